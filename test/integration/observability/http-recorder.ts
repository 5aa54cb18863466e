import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";

/** A received request. */
export interface RecordedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** An HTTP server that answers all requests with 200 and records them. */
export interface HttpRecorder {
  readonly url: string;
  readonly requests: RecordedRequest[];
}

/** An HTTP recorder for the tests of a file. */
export function useHttpRecorder(): HttpRecorder {
  const requests: RecordedRequest[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(parts) });
      response.end();
    });
  });
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    requests,
    get url() {
      if (url === "") {
        throw new Error("the server starts in beforeAll: use it in a hook or a test");
      }
      return url;
    },
  };
}
