import { randomInt } from "node:crypto";
import { connect, createServer } from "node:net";

/**
 * Below the ephemeral port range, so that no outgoing connection takes a port between two starts of
 * a server.
 */
const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 200;

/** Whether a server could listen on a port of 127.0.0.1. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Returns `wanted` if it is free, else another free port. */
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

/** Time limit of a probe, in milliseconds. */
const PROBE_MS = 1_000;

/**
 * Whether the server on a port of 127.0.0.1 answers as expected.
 *
 * @param expects called with the bytes received so far
 * @param request sent after connecting, for servers that do not greet
 */
export function probe(port: number, expects: (answer: Buffer) => boolean, request?: string): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (ok: boolean) => {
      socket.destroy();
      resolve(ok);
    };
    socket.setTimeout(PROBE_MS, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
    socket.once("connect", () => request !== undefined && socket.write(request));
    socket.on("data", (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (expects(answer)) {
        finish(true);
      }
    });
  });
}
