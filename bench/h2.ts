import { connect as connectSocket } from "node:net";

/**
 * As much of an HTTP/2 client as unary gRPC calls need, so that the load generator takes little of the machine that it shares with the
 * server: frames are written as bytes, headers are coded once, answers' headers are not decoded (a call that failed has no message).
 */
export interface H2Connection {
  /** Calls, and hands over the answer's message; undefined for a call that failed. */
  call(message: Uint8Array, done: (answer: Buffer | undefined) => void): void;
  close(): void;
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER = 9;
const GRPC_HEADER = 5;
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8];
const [END_STREAM, END_HEADERS, ACK] = [0x1, 0x4, 0x1];
const DEFAULT_WINDOW = 65_535;
/** What we let the server send before we give it more. */
const OUR_WINDOW = 1 << 30;

function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, FRAME_HEADER);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** HPACK without its tables: each header as a literal. */
function headerBlock(authority: string, path: string, more: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const POST_HTTP = [0x83, 0x86];
  return Buffer.concat([
    Buffer.from([...POST_HTTP, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text(authority),
    ...Object.entries(more).flatMap(([name, value]) => [Buffer.from([0x00]), text(name), text(value)]),
  ]);
}

/** Opens a connection for calls of one method. */
export function openConnection(
  host: string,
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<H2Connection> {
  const block = headerBlock(`${host}:${port}`, path, {
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const socket = connectSocket({ host, port, noDelay: true });
  const open = new Map<number, { done: (answer: Buffer | undefined) => void; answer: Buffer | undefined }>();
  const waiting: (() => void)[] = [];
  let nextStream = 1;
  let sendWindow = DEFAULT_WINDOW;
  let received = 0;
  let unread: Buffer = Buffer.alloc(0);
  let corked = false;

  function write(bytes: Uint8Array): void {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  }

  function finish(streamId: number, failed: boolean): void {
    const stream = open.get(streamId);
    open.delete(streamId);
    stream?.done(failed ? undefined : stream.answer);
  }

  function take(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === DATA) {
      const stream = open.get(streamId);
      if (stream !== undefined && payload.length >= GRPC_HEADER) {
        stream.answer = Buffer.from(payload.subarray(GRPC_HEADER));
      }
      received += payload.length;
      if (received > OUR_WINDOW / 2) {
        write(frame(WINDOW_UPDATE, 0, 0, uint32(received)));
        received = 0;
      }
    }
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) {
      finish(streamId, false);
    } else if (type === RST_STREAM) {
      finish(streamId, true);
    } else if (type === SETTINGS && (flags & ACK) === 0) {
      write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    } else if (type === PING && (flags & ACK) === 0) {
      write(frame(PING, ACK, 0, payload));
    } else if (type === GOAWAY) {
      socket.destroy();
    } else if (type === WINDOW_UPDATE && streamId === 0) {
      sendWindow += payload.readUInt32BE();
      waiting.splice(0).forEach((send) => {
        send();
      });
    }
  }

  socket.on("data", (bytes: Buffer) => {
    const all = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    let at = 0;
    while (all.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + all.readUIntBE(at, 3);
      if (end > all.length) {
        break;
      }
      take(all[at + 3] ?? 0, all[at + 4] ?? 0, all.readUInt32BE(at + 5), all.subarray(at + FRAME_HEADER, end));
      at = end;
    }
    unread = all.subarray(at);
  });
  socket.on("close", () => {
    for (const streamId of [...open.keys()]) {
      finish(streamId, true);
    }
  });

  function call(message: Uint8Array, done: (answer: Buffer | undefined) => void): void {
    const length = GRPC_HEADER + message.length;
    if (socket.destroyed) {
      done(undefined);
      return;
    }
    if (length > sendWindow) {
      waiting.push(() => call(message, done));
      return;
    }
    sendWindow -= length;
    const streamId = nextStream;
    nextStream += 2;
    open.set(streamId, { done, answer: undefined });
    const body = Buffer.allocUnsafe(length);
    body[0] = 0;
    body.writeUInt32BE(message.length, 1);
    body.set(message, GRPC_HEADER);
    write(frame(HEADERS, END_HEADERS, streamId, block));
    write(frame(DATA, END_STREAM, streamId, body));
  }

  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      write(Buffer.from(PREFACE));
      write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
      write(frame(WINDOW_UPDATE, 0, 0, uint32(OUR_WINDOW - DEFAULT_WINDOW)));
      resolve({ call, close: () => socket.destroy() });
    });
  });
}
