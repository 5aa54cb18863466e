import { connect } from "node:net";
import type { Connection, Reply } from "./index.ts";

const END_OF_HEAD = "\r\n\r\n";

interface Response {
  readonly status: number;
  readonly body: Buffer;
}

/** The body of a chunked response; undefined while incomplete. */
function readChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const endOfSize = bytes.indexOf("\r\n", at);
    if (endOfSize === -1) {
      return undefined;
    }
    const size = Number.parseInt(bytes.toString("latin1", at, endOfSize), 16);
    const begin = endOfSize + 2;
    if (bytes.length < begin + size + 2) {
      return undefined;
    }
    if (size === 0) {
      return Buffer.concat(chunks);
    }
    chunks.push(bytes.subarray(begin, begin + size));
    at = begin + size + 2;
  }
}

/** A complete response; undefined while incomplete. */
function readResponse(bytes: Buffer): Response | undefined {
  const endOfHead = bytes.indexOf(END_OF_HEAD);
  if (endOfHead === -1) {
    return undefined;
  }
  const head = bytes.toString("latin1", 0, endOfHead);
  const status = Number(head.slice(9, 12));
  const rest = bytes.subarray(endOfHead + END_OF_HEAD.length);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length === undefined) {
    const body = readChunks(rest);
    return body === undefined ? undefined : { status, body };
  }
  return rest.length < Number(length) ? undefined : { status, body: rest.subarray(0, Number(length)) };
}

function toReply({ status, body }: Response): Reply {
  if (status === 200) {
    return body;
  }
  return status === 429 && body.includes("google.rpc.RetryInfo") ? "rejected" : "failed";
}

/** A minimal HTTP/1.1 client for Connect JSON: one call at a time on a persistent connection. */
export function openHttp1(host: string, port: number, headers: Readonly<Record<string, string>>): Promise<Connection> {
  const socket = connect({ host, port, noDelay: true });
  const lines = { host: `${host}:${port}`, "content-type": "application/json", ...headers };
  const head = Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  let waiting: ((response: Reply) => void) | undefined;
  let unread: Buffer = Buffer.alloc(0);

  function finish(response: Reply): void {
    const done = waiting;
    waiting = undefined;
    unread = Buffer.alloc(0);
    done?.(response);
  }

  socket.on("data", (bytes: Buffer) => {
    unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    const response = readResponse(unread);
    if (response !== undefined) {
      finish(toReply(response));
    }
  });
  socket.on("close", () => finish("failed"));

  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () =>
      resolve({
        call(path, body, done) {
          if (socket.destroyed) {
            setImmediate(done, "failed");
            return;
          }
          waiting = done;
          const start = `POST ${path} HTTP/1.1\r\n${head}content-length: ${body.length}${END_OF_HEAD}`;
          socket.write(Buffer.concat([Buffer.from(start, "latin1"), body]));
        },
        close: () => socket.destroy(),
      }),
    );
  });
}
