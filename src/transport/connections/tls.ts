import { constants, X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Logger } from "../../observability/log.ts";
import { watchFiles } from "../auth/watched-file.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../limits.ts";
import { createClientCertificates } from "./client-certificates.ts";
import { expiryOf, readRevocations } from "./revocation.ts";

/** The PEM files for the TLS of both ports. */
export interface TlsFiles {
  /** The server certificate, followed by its intermediates. */
  readonly certFile: string;
  readonly keyFile: string;
  /** CA that client certificates are verified against; undefined: they are not requested. */
  readonly clientCaFile: string | undefined;
  /** Revocation lists of that CA and of those between; undefined: revocation is not checked. */
  readonly clientCrlFile?: string | undefined;
  /**
   * Whether a connection without a verified client certificate is rejected; otherwise it has no
   * certificate.
   */
  readonly requireClientCertificate: boolean;
}

/**
 * TLS for both ports. Changed files are reloaded, and used for new connections; open ones continue,
 * except those with a client certificate that has expired, or is no longer accepted.
 */
export interface PortTls {
  /** Creates a server with the TLS options, and keeps its certificate up to date. */
  createServer<S extends Server>(create: (options: TlsOptions) => S): S;
  /** Expiry of the certificate in use. */
  validUntil(): Date;
  /** When the first revocation list expires; undefined without one. */
  revocationsValidUntil(): Date | undefined;
  close(): void;
}

/** @throws UnusableFileError with the file names, where the files cannot be used */
export function openPortTls(
  { certFile, keyFile, clientCaFile, clientCrlFile, requireClientCertificate }: TlsFiles,
  log: Logger,
): PortTls {
  const servers = new Set<Server>();
  const clientCertificates = createClientCertificates(log);
  let validUntil = new Date(0);
  let revocationsValidUntil: Date | undefined;
  const clientFiles = clientCaFile === undefined ? [] : [clientCaFile, ...(clientCrlFile ? [clientCrlFile] : [])];
  const files = watchFiles(
    [certFile, keyFile, ...clientFiles],
    ([cert = "", key = "", ca, crl]) => {
      const { validTo } = new X509Certificate(cert);
      const authorities = ca === undefined ? [] : parseCertificates(ca);
      const crls = crl === undefined ? [] : parseCrls(crl);
      const revocations = readRevocations(crls.map(toDer));
      const crlExpiry = firstOf(crls.map(toDer).map(expiryOf));
      const options = {
        cert,
        key,
        ...(ca !== undefined && {
          ca: authorities,
          // A resumed session would count as verified, even if its certificate has expired or been
          // revoked meanwhile.
          secureOptions: constants.SSL_OP_NO_TICKET,
        }),
        ...(crl !== undefined && { crl: crls }),
        minVersion: "TLSv1.2" as const,
      };
      // Throws for a key that does not match the certificate.
      createSecureContext(options);
      for (const server of servers) {
        server.setSecureContext(options);
      }
      validUntil = new Date(validTo);
      log.info({ file: certFile, validTo }, "server certificate loaded");
      if (Date.parse(validTo) < Date.now()) {
        log.warn({ file: certFile, validTo }, "server certificate has expired");
      }
      revocationsValidUntil = crlExpiry;
      if (crlExpiry !== undefined && crlExpiry.getTime() < Date.now()) {
        const fields = { file: clientCrlFile, validTo: crlExpiry.toISOString() };
        log.warn(fields, "revocation list has expired; client certificates of its CA are rejected");
      }
      clientCertificates.verifyAgain({ authorities: authorities.map(toDer), revocations });
      return options;
    },
    log,
  );
  return {
    createServer(create) {
      const server = create({
        ...files.value,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        ...(clientCaFile !== undefined && { requestCert: true, rejectUnauthorized: requireClientCertificate }),
      });
      servers.add(server);
      clientCertificates.observe(server);
      server.once("close", () => servers.delete(server));
      server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
        // The error itself does not mention an unverified client certificate.
        const reason = socket.authorizationError ?? error.code ?? error.message;
        log.debug({ address: socket.remoteAddress, reason: String(reason) }, "TLS handshake failed");
        // Node leaves a connection open whose handshake timed out.
        socket.destroy();
      });
      return server;
    },
    validUntil: () => validUntil,
    revocationsValidUntil: () => revocationsValidUntil,
    close() {
      files.close();
      clientCertificates.close();
    },
  };
}

function firstOf(times: readonly (Date | undefined)[]): Date | undefined {
  return times.filter((time) => time !== undefined).toSorted((a, b) => a.getTime() - b.getTime())[0];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g;

/**
 * Parsed here as OpenSSL ignores what it cannot read, and would reject every client certificate.
 */
function parseCertificates(pem: string): string[] {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    throw new Error("the client CA file contains no PEM certificate");
  }
  return certificates.map((certificate) => new X509Certificate(certificate).toString());
}

const CRL = /-----BEGIN X509 CRL-----[^-]*(?:-----END X509 CRL-----)?/g;

/** One text for each list: OpenSSL reads only the first one of a text. */
function parseCrls(pem: string): string[] {
  const crls = pem.match(CRL) ?? [];
  if (crls.length === 0) {
    throw new Error("the client CRL file contains no PEM CRL");
  }
  return crls;
}

function toDer(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]*-----/g, ""), "base64");
}
