import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Says over HTTP how much is left to do: `GET /open` answers `{"open": 12}`. */
export async function serveOpenWork(count: () => Promise<number>): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((_request, response) => {
    count().then(
      (open) => response.end(JSON.stringify({ open })),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
