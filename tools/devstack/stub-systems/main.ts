/**
 * The neighbours' process: stand-ins for the systems around the service, for development and tests.
 * Arguments: the port of 127.0.0.1 to listen on, and the file that keeps what came in.
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
