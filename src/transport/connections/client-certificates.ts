import type { Server, TLSSocket } from "node:tls";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import { CERTIFICATE_CHECK_MS } from "../limits.ts";
import { certificateOf, chainOf } from "./peer.ts";
import type { Revocations } from "./revocation.ts";

/** Maximum log lines per second for certificates that were not accepted. */
const REJECTIONS_PER_SECOND = 5;

/** What client certificates are verified against. */
export interface TrustAnchors {
  /** The CA certificates in DER. */
  readonly authorities: readonly Buffer[];
  readonly revocations: Revocations;
}

/**
 * Closes connections whose client certificate has expired, or is no longer accepted after a change
 * of CA or CRL: TLS verifies it in the handshake only. Other connections continue.
 */
export interface ClientCertificates {
  /** Observes the connections of a server. */
  observe(server: Server): void;
  /** Closes the connections that are not accepted under the changed CA or CRL. */
  verifyAgain(anchors: TrustAnchors): void;
  close(): void;
}

interface Connection {
  /** When it is closed, in milliseconds since 1970. */
  readonly closeTime: number;
  /** Its certificate and the issuers in DER. */
  readonly chain: readonly Buffer[];
}

export function createClientCertificates(log: Logger): ClientCertificates {
  /** The connections with a verified certificate. */
  const connections = new Map<TLSSocket, Connection>();
  const rejected = createLogLimiter(log, {
    message: "client certificate not accepted",
    perSecond: REJECTIONS_PER_SECOND,
  });

  const timer = setInterval(() => {
    for (const [socket, { closeTime }] of connections) {
      if (closeTime <= Date.now()) {
        socket.destroy();
      }
    }
  }, CERTIFICATE_CHECK_MS).unref();

  function add(socket: TLSSocket): void {
    const certificate = certificateOf(socket);
    if (certificate !== undefined) {
      connections.set(socket, {
        // Later than the expiry, at which calls are rejected and watches end with an explanation.
        closeTime: certificate.expiresAt + CERTIFICATE_CHECK_MS,
        chain: chainOf(socket).map(({ raw }) => raw),
      });
      socket.once("close", () => connections.delete(socket));
    } else if (socket.authorizationError !== undefined && chainOf(socket).length > 0) {
      const reason = String(socket.authorizationError);
      rejected.write("warn", reason, () => ({ address: socket.remoteAddress, reason }));
    }
  }

  return {
    observe: (server) => server.on("secureConnection", add),
    verifyAgain({ authorities, revocations }) {
      for (const [socket, { chain }] of connections) {
        const isTrusted = chain.some((link) => authorities.some((authority) => authority.equals(link)));
        if (!isTrusted || chain.some((link) => revocations.includes(link))) {
          log.info({ address: socket.remoteAddress }, "client certificate no longer accepted; connection closed");
          socket.destroy();
        }
      }
    },
    close: () => clearInterval(timer),
  };
}
