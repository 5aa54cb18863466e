import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import { GUARD_INTERVAL_MS } from "../limits.ts";
import { createBufferedRequests, isSmallRequest } from "./buffered-requests.ts";
import { guardHttp2 } from "./http2.ts";
import { createMisbehavingClients } from "./misbehaving-clients.ts";
import { createUnreadResponses } from "./unread-responses.ts";

/** Keeps callers from using up what all of them share, by how they send and read; one for a process. */
export interface Guard {
  /** Looks after the connections and calls of a server. */
  http2(server: Http2Server): void;
  /** Looks after one request over HTTP/1.1. */
  http1(request: IncomingMessage, response: ServerResponse): void;
  /** Whether new connections from there are to be closed at once. */
  isBlocked(address: string): boolean;
  close(): void;
}

export function createGuard(): Guard {
  const requests = createBufferedRequests();
  const answers = createUnreadResponses();
  const offenders = createMisbehavingClients();
  const looks: ((now: number) => void)[] = [answers.check, offenders.check];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const look of looks) {
      look(now);
    }
  }, GUARD_INTERVAL_MS).unref();
  return {
    http2(server) {
      looks.push(guardHttp2(server, requests, answers, offenders));
    },
    http1(request, response) {
      const { headers } = request;
      if (!isSmallRequest(headers["content-length"], headers["transfer-encoding"] !== undefined)) {
        requests.track(request as never, () => request.destroy());
      }
      response.once(
        "close",
        answers.add(response, () => response.destroy()),
      );
    },
    isBlocked: offenders.isBlocked,
    close: () => clearInterval(timer),
  };
}
