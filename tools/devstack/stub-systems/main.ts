/**
 * The process of the stub systems, which replace the external systems in development and tests.
 * Arguments: port on 127.0.0.1, and the file for received requests.
 */
import { createStubSystemsServer } from "./http.ts";

const [port, file] = process.argv.slice(2);
if (port === undefined || file === undefined) {
  throw new Error("usage: main.ts <port> <file>");
}
const server = createStubSystemsServer(file);
server.listen(Number(port), "127.0.0.1", () => console.log(`listening on 127.0.0.1:${port}`));
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
