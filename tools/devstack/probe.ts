import { connect } from "node:net";

/** Longer than any server on this machine takes for its first word, short enough to ask again. */
const PATIENCE_MS = 1_000;

/**
 * True when the server on that port of 127.0.0.1 says what it is expected to say first.
 *
 * @param say what to send, for servers that wait for the client's first word
 * @param expects looks at what has come so far
 */
export function probe(port: number, expects: (answer: Buffer) => boolean, say?: string): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (ok: boolean) => {
      socket.destroy();
      resolve(ok);
    };
    socket.setTimeout(PATIENCE_MS, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
    socket.once("connect", () => say !== undefined && socket.write(say));
    socket.on("data", (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (expects(answer)) {
        finish(true);
      }
    });
  });
}
