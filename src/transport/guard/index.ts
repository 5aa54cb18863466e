import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import { createPacedStarts } from "../../lib/paced-starts.ts";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import { closeFlooding } from "../connections/flooding-addresses.ts";
import { peerOfRequest } from "../connections/peer.ts";
import { GUARD_INTERVAL_MS, UNPROVEN_STARTS_PER_TURN } from "../limits.ts";
import { guardHttp2 } from "./http2.ts";
import { createRequestBodies } from "./request-bodies.ts";
import { isProven } from "./unproven-limit.ts";
import { createUnreadResponses } from "./unread-responses.ts";

export { onCallRefused } from "./refused-calls.ts";
export { markProven } from "./unproven-limit.ts";

/** Protects the shared resources of a process against clients that abuse their connections. */
export interface Guard {
  /** Guards the connections and streams of a server. */
  http2(server: Http2Server): void;
  /** Guards one request over HTTP/1.1, and serves it. */
  http1(request: IncomingMessage, response: ServerResponse, serve: () => void): void;
  close(): void;
}

/** @param clientAddress default: the address of the connection */
export function createGuard(clientAddress: ClientAddress = createClientAddress([])): Guard {
  const bodies = createRequestBodies();
  const responses = createUnreadResponses();
  const startPaced = createPacedStarts(UNPROVEN_STARTS_PER_TURN);
  const checks: ((now: number) => void)[] = [responses.check, bodies.reset];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const check of checks) {
      check(now);
    }
  }, GUARD_INTERVAL_MS).unref();
  return {
    http2(server) {
      checks.push(guardHttp2(server, { bodies, responses, startPaced, clientAddress }));
    },
    http1(request, response, serve) {
      const { headers, socket } = request;
      if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) {
        const address = clientAddress(peerOfRequest(request), headers["x-forwarded-for"]?.toString());
        const disconnect = () => closeFlooding(socket);
        bodies.track(request as never, address, { cancel: () => socket.destroy(), disconnect });
      }
      response.once(
        "close",
        responses.add(response, () => response.destroy()),
      );
      if (isProven(socket)) {
        serve();
      } else {
        startPaced(() => {
          if (!socket.destroyed) {
            serve();
          }
          return !socket.destroyed;
        });
      }
    },
    close: () => clearInterval(timer),
  };
}
