import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A request as the legacy system receives it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly contentType: string | undefined;
}

/** The legacy system of one test. */
export interface LegacyServer {
  readonly url: string;
  /** Oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** Sets the answer: status and body, or a function that handles the response. */
  respondWith(answer: readonly [status: number, text: string] | ((response: ServerResponse) => void)): void;
  stop(): Promise<void>;
}

/**
 * Starts a legacy system that answers 200 with an empty body by default; it stops with the test.
 */
export async function startLegacyServer(): Promise<LegacyServer> {
  const requests: ReceivedRequest[] = [];
  let respond = (response: ServerResponse): void => void response.end();
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = request;
    requests.push({ method, url, body: await text(request), contentType: headers["content-type"] });
    respond(response);
  });
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(stop);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    respondWith(answer) {
      respond =
        typeof answer === "function"
          ? answer
          : (response) => {
              response.statusCode = answer[0];
              response.end(answer[1]);
            };
    },
    stop,
  };
}
