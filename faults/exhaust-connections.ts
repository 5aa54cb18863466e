import { connect, type Socket } from "node:net";

/** More than MariaDB takes. */
const MOST = 600;

/** How often those that were refused are tried again, in milliseconds: whoever has gone must not make room. */
const AGAIN_MS = 50;

/**
 * Takes every connection that MariaDB has to give, and keeps on taking. They do not log in: the server counts them all the same, for as
 * long as it waits for that (10 s).
 *
 * @returns frees them
 */
export function exhaustConnections(mysqlUrl: string): () => void {
  const { hostname, port } = new URL(mysqlUrl);
  const sockets = new Set<Socket>();
  const fill = () => {
    while (sockets.size < MOST) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.resume();
      sockets.add(socket);
    }
  };
  fill();
  const timer = setInterval(fill, AGAIN_MS);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) {
      socket.destroy();
    }
  };
}
