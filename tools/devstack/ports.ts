import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the range from which systems take the ports of outgoing connections: no client can sit on a port between two starts of a server. */
const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 200;

/** True when a server could listen on that port of 127.0.0.1 now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The wanted port where it is free, else any free one. */
export async function choosePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await isPortFree(wanted))) {
    return wanted;
  }
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    if (await isPortFree(port)) {
      return port;
    }
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} of 127.0.0.1`);
}
