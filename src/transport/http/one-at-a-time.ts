import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { closeFlooding } from "../connections/flooding-addresses.ts";
import { MAX_PIPELINED_REQUESTS } from "../limits.ts";

/**
 * Serves one request at a time on each HTTP/1.1 connection. Responses are sent in the order of the
 * requests, so that those of pipelined requests would only wait in memory. A connection that sends
 * many requests without waiting for a response is closed.
 */
export function oneAtATime(serve: (request: IncomingMessage, response: ServerResponse) => void): RequestListener {
  /** By connection: the requests that wait for the one being served. */
  const waiting = new WeakMap<Socket, (() => void)[]>();

  function start(request: IncomingMessage, response: ServerResponse, queue: (() => void)[]): void {
    const { socket } = request;
    response.once("close", () => {
      const next = queue.shift();
      if (next === undefined || socket.destroyed) {
        waiting.delete(socket);
      } else {
        next();
      }
    });
    serve(request, response);
  }

  return (request, response) => {
    const { socket } = request;
    const queue = waiting.get(socket);
    if (queue === undefined) {
      const empty: (() => void)[] = [];
      waiting.set(socket, empty);
      start(request, response, empty);
    } else if (queue.length < MAX_PIPELINED_REQUESTS) {
      queue.push(() => start(request, response, queue));
    } else {
      queue.length = 0;
      closeFlooding(socket);
    }
  };
}
