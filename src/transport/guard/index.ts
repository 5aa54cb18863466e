import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import { peerOfRequest } from "../connections/peer.ts";
import { GUARD_INTERVAL_MS } from "../limits.ts";
import { guardHttp2 } from "./http2.ts";
import { createRequestBodies } from "./request-bodies.ts";
import { createUnreadResponses } from "./unread-responses.ts";

export { onCallRefused } from "./refused-calls.ts";
export { markProven } from "./unproven-limit.ts";

/** Protects the shared resources of a process against clients that abuse their connections. */
export interface Guard {
  /** Guards the connections and streams of a server. */
  http2(server: Http2Server): void;
  /** Guards one request over HTTP/1.1. */
  http1(request: IncomingMessage, response: ServerResponse): void;
  close(): void;
}

/** @param clientAddress default: the address of the connection */
export function createGuard(clientAddress: ClientAddress = createClientAddress([])): Guard {
  const bodies = createRequestBodies();
  const responses = createUnreadResponses();
  const checks: ((now: number) => void)[] = [responses.check, bodies.reset];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const check of checks) {
      check(now);
    }
  }, GUARD_INTERVAL_MS).unref();
  return {
    http2(server) {
      checks.push(guardHttp2(server, { bodies, responses, clientAddress }));
    },
    http1(request, response) {
      const { headers } = request;
      if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) {
        const { socket } = request;
        const address = clientAddress(peerOfRequest(request), headers["x-forwarded-for"]?.toString());
        const disconnect = () => socket.destroy();
        bodies.track(request as never, address, { cancel: disconnect, disconnect });
      }
      response.once(
        "close",
        responses.add(response, () => response.destroy()),
      );
    },
    close: () => clearInterval(timer),
  };
}
