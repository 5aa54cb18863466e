import { X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Logger } from "../../observability/log.ts";
import { watchFiles } from "../auth/watched-file.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../limits.ts";

/** The PEM files for the TLS of both ports. */
export interface TlsFiles {
  /** The server certificate, followed by its intermediates. */
  readonly certFile: string;
  readonly keyFile: string;
  /** CA that client certificates are verified against; undefined: they are not requested. */
  readonly clientCaFile: string | undefined;
  /**
   * Whether a connection without a verified client certificate is rejected; otherwise it has no
   * certificate name.
   */
  readonly requireClientCertificate: boolean;
}

/**
 * TLS for both ports. Changed files are reloaded, and used for new connections; open ones continue.
 */
export interface PortTls {
  /** Creates a server with the TLS options, and keeps its certificate up to date. */
  createServer<S extends Server>(create: (options: TlsOptions) => S): S;
  /** Expiry of the certificate in use. */
  validUntil(): Date;
  close(): void;
}

/** @throws UnusableFileError with the file names, where the files cannot be used */
export function openPortTls(
  { certFile, keyFile, clientCaFile, requireClientCertificate }: TlsFiles,
  log: Logger,
): PortTls {
  const servers = new Set<Server>();
  let validUntil = new Date(0);
  const paths = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
  const files = watchFiles(
    paths,
    ([cert = "", key = "", ca]) => {
      const { validTo } = new X509Certificate(cert);
      const options = {
        cert,
        key,
        ...(ca !== undefined && { ca: parseCertificates(ca) }),
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
    close: files.close,
  };
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
