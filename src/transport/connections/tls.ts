import { X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Logger } from "../../observability/log.ts";
import { watchFiles } from "../auth/watched-file.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../limits.ts";

/** What the ports' TLS is made of: PEM files. */
export interface TlsFiles {
  /** The server's certificate, with those between it and its CA. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Client certificates are asked for, and verified against this CA; undefined: not asked for. */
  readonly clientCaFile: string | undefined;
  /** Whether a connection without a verified client certificate is refused; else it is let in without a name. */
  readonly requireClientCertificate: boolean;
}

/** TLS for the ports. What its files say is taken up when they change, for new connections; those that are there go on. */
export interface PortTls {
  /** Makes a server of the options that it needs, and keeps its certificate up to date. */
  createServer<S extends Server>(make: (options: TlsOptions) => S): S;
  /** Until when the certificate in use is valid. */
  validUntil(): Date;
  close(): void;
}

/** @throws Error that names the files, where they cannot be used */
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
      const material = {
        cert,
        key,
        ...(ca !== undefined && { ca: certificatesIn(ca) }),
        minVersion: "TLSv1.2" as const,
      };
      // Refuses a key that is not the certificate's.
      createSecureContext(material);
      for (const server of servers) {
        server.setSecureContext(material);
      }
      validUntil = new Date(validTo);
      log.info({ file: certFile, validTo }, "the ports' certificate");
      if (Date.parse(validTo) < Date.now()) {
        log.warn({ file: certFile, validTo }, "the ports' certificate has expired: clients refuse it");
      }
      return material;
    },
    log,
  );
  return {
    createServer(make) {
      const server = make({
        ...files.value,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        ...(clientCaFile !== undefined && { requestCert: true, rejectUnauthorized: requireClientCertificate }),
      });
      servers.add(server);
      server.once("close", () => servers.delete(server));
      server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
        // Of a client certificate that is not verified the error itself says nothing.
        const reason = socket.authorizationError ?? error.code ?? error.message;
        log.debug({ from: socket.remoteAddress, reason: String(reason) }, "a TLS handshake failed");
        // One whose time is over is left open otherwise.
        socket.destroy();
      });
      return server;
    },
    validUntil: () => validUntil,
    close: files.close,
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g;

/** OpenSSL leaves out what it cannot read, and would then verify nobody. */
function certificatesIn(pem: string): string[] {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    throw new Error("the file of the client CA holds no certificate in PEM");
  }
  return certificates.map((certificate) => new X509Certificate(certificate).toString());
}
