import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import { GUARD_INTERVAL_MS } from "../limits.ts";
import { createBufferedRequests, isSmallRequest } from "./buffered-requests.ts";
import { guardHttp2 } from "./http2.ts";
import { createUnreadResponses } from "./unread-responses.ts";

/** Protects the shared resources of a process against clients that abuse their connections. */
export interface Guard {
  /** Guards the connections and streams of a server. */
  http2(server: Http2Server): void;
  /** Guards one request over HTTP/1.1. */
  http1(request: IncomingMessage, response: ServerResponse): void;
  close(): void;
}

export function createGuard(): Guard {
  const requests = createBufferedRequests();
  const responses = createUnreadResponses();
  const checks: ((now: number) => void)[] = [responses.check];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const check of checks) {
      check(now);
    }
  }, GUARD_INTERVAL_MS).unref();
  return {
    http2(server) {
      checks.push(guardHttp2(server, requests, responses));
    },
    http1(request, response) {
      const { headers } = request;
      if (!isSmallRequest(headers["content-length"], headers["transfer-encoding"] !== undefined)) {
        requests.track(request as never, () => request.destroy());
      }
      response.once(
        "close",
        responses.add(response, () => response.destroy()),
      );
    },
    close: () => clearInterval(timer),
  };
}
