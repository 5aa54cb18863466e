import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Issuer } from "../../../tools/testkit/issuer.ts";

export { AUDIENCE, createIssuer, ISSUER } from "../../../tools/testkit/issuer.ts";

/** The key set of an issuer over HTTP. */
export interface KeyServer {
  readonly url: string;
  /** The header `authorization` of each request. */
  readonly requests: readonly (string | undefined)[];
  /** Whether requests fail from now on. */
  fail(failing: boolean): void;
}

/** Serves the current keys of an issuer over HTTP until the end of the test. */
export async function serveKeys(issuer: Pick<Issuer, "jwks">): Promise<KeyServer> {
  const requests: (string | undefined)[] = [];
  let failing = false;
  const server = createServer(({ headers }, response) => {
    requests.push(headers.authorization);
    response.writeHead(failing ? 503 : 200, { "content-type": "application/json" }).end(issuer.jwks());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    requests,
    fail(value) {
      failing = value;
    },
  };
}
