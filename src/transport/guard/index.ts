import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import { LOOK_MS } from "../limits.ts";
import { createUnreadAnswers } from "./answers.ts";
import { guardHttp2 } from "./http2.ts";
import { createOffenders } from "./misbehaving-clients.ts";
import { createHeldRequests, isSmall } from "./requests.ts";

/** Keeps callers from using up what all of them share, by how they send and read; one for a process. */
export interface Guard {
  /** Looks after the connections and calls of a server. */
  http2(server: Http2Server): void;
  /** Looks after one request over HTTP/1.1. */
  http1(request: IncomingMessage, response: ServerResponse): void;
  /** Whether new connections from there are to be closed at once. */
  isBarred(address: string): boolean;
  close(): void;
}

export function createGuard(): Guard {
  const requests = createHeldRequests();
  const answers = createUnreadAnswers();
  const offenders = createOffenders();
  const looks: ((now: number) => void)[] = [answers.look, offenders.look];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const look of looks) {
      look(now);
    }
  }, LOOK_MS).unref();
  return {
    http2(server) {
      looks.push(guardHttp2(server, requests, answers, offenders));
    },
    http1(request, response) {
      const { headers } = request;
      if (!isSmall(headers["content-length"], headers["transfer-encoding"] !== undefined)) {
        requests.count(request as never, () => request.destroy());
      }
      response.once(
        "close",
        answers.add(response, () => response.destroy()),
      );
    },
    isBarred: offenders.isBarred,
    close: () => clearInterval(timer),
  };
}
