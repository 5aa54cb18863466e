import { connect } from "node:net";
import type { Connection, Reply } from "./index.ts";

// HTTP/2 frames (RFC 9113), as far as unary calls need them.
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER = 9;
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const FLAG = { endStream: 0x1, endHeaders: 0x4, ack: 0x1 } as const;
/** Settings without a header table, so that each header block can be parsed by itself. */
const NO_HEADER_TABLE = Buffer.from([0, 1, 0, 0, 0, 0]);
const EMPTY = Buffer.alloc(0);

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

/** The headers of a POST as HPACK literals. */
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

/**
 * `grpc-status: 8`, and the name `grpc-status-details-bin`, in the Huffman code that Node's HTTP/2
 * writes without a table.
 */
const RESOURCE_EXHAUSTED = Buffer.from("889acac8b21234da8f0138", "hex");
const STATUS_DETAILS = Buffer.from("909acac8b21234da85a42a466a10b466ab", "hex");

/** Whether trailers contain RESOURCE_EXHAUSTED and details, that is RetryInfo. */
function isRejection(headers: Buffer): boolean {
  return headers.includes(RESOURCE_EXHAUSTED) && headers.includes(STATUS_DETAILS);
}

const GRPC_HEADER = 5;
const DEFAULT_WINDOW = 65_535;
/** Receive window of the connection. */
const RECEIVE_WINDOW = 1 << 30;

interface Stream {
  readonly done: (answer: Reply) => void;
  /** Bytes received so far: gRPC's message header, then the message. */
  body: Buffer;
}

/**
 * A minimal HTTP/2 client for unary gRPC calls, because the load shares the machine with the
 * server: frames are written as bytes, request headers are encoded once, and response headers are
 * only searched for one status.
 */
export function openHttp2(host: string, port: number, headers: Readonly<Record<string, string>>): Promise<Connection> {
  const socket = connect({ host, port, noDelay: true });
  const blocks = new Map<string, Buffer>();
  const open = new Map<number, Stream>();
  const waiting: (() => void)[] = [];
  let nextStream = 1;
  let sendWindow = DEFAULT_WINDOW;
  let received = 0;
  let unread: Buffer = EMPTY;
  let corked = false;

  /** Everything written in one turn of the event loop is sent as one packet. */
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

  function blockOf(path: string): Buffer {
    const known = blocks.get(path);
    if (known !== undefined) {
      return known;
    }
    const all = { "content-type": "application/grpc", te: "trailers", ...headers };
    const block = headerBlock(`${host}:${port}`, path, all);
    blocks.set(path, block);
    return block;
  }

  function finish(streamId: number, trailers: Buffer | undefined): void {
    const stream = open.get(streamId);
    open.delete(streamId);
    if (stream === undefined) {
      return;
    }
    const { body, done } = stream;
    const hasMessage = body.length >= GRPC_HEADER && body.length >= GRPC_HEADER + body.readUInt32BE(1);
    const failure = () => (trailers !== undefined && isRejection(trailers) ? "rejected" : "failed");
    done(hasMessage && trailers !== undefined ? body.subarray(GRPC_HEADER) : failure());
  }

  function onData(streamId: number, payload: Buffer): void {
    const stream = open.get(streamId);
    if (stream !== undefined) {
      stream.body = stream.body.length === 0 ? Buffer.from(payload) : Buffer.concat([stream.body, payload]);
    }
    received += payload.length;
    if (received > RECEIVE_WINDOW / 2) {
      write(frame(FRAME.windowUpdate, 0, 0, uint32(received)));
      received = 0;
    }
  }

  function onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === FRAME.data) {
      onData(streamId, payload);
    } else if (type === FRAME.headers && (flags & FLAG.endStream) !== 0) {
      finish(streamId, payload);
    } else if (type === FRAME.reset) {
      finish(streamId, undefined);
    } else if (type === FRAME.settings && (flags & FLAG.ack) === 0) {
      write(frame(FRAME.settings, FLAG.ack, 0, EMPTY));
    } else if (type === FRAME.ping && (flags & FLAG.ack) === 0) {
      write(frame(FRAME.ping, FLAG.ack, 0, payload));
    } else if (type === FRAME.goAway) {
      socket.destroy();
    } else if (type === FRAME.windowUpdate && streamId === 0) {
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
      onFrame(all[at + 3] ?? 0, all[at + 4] ?? 0, all.readUInt32BE(at + 5), all.subarray(at + FRAME_HEADER, end));
      at = end;
    }
    unread = all.subarray(at);
  });
  socket.on("close", () => {
    for (const streamId of [...open.keys()]) {
      finish(streamId, undefined);
    }
  });

  function call(path: string, message: Uint8Array, done: (answer: Reply) => void): void {
    const length = GRPC_HEADER + message.length;
    if (socket.destroyed) {
      setImmediate(done, "failed");
      return;
    }
    if (length > sendWindow) {
      waiting.push(() => call(path, message, done));
      return;
    }
    sendWindow -= length;
    const streamId = nextStream;
    nextStream += 2;
    open.set(streamId, { done, body: EMPTY });
    const body = Buffer.allocUnsafe(length);
    body[0] = 0;
    body.writeUInt32BE(message.length, 1);
    body.set(message, GRPC_HEADER);
    write(frame(FRAME.headers, FLAG.endHeaders, streamId, blockOf(path)));
    write(frame(FRAME.data, FLAG.endStream, streamId, body));
  }

  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      write(PREFACE);
      write(frame(FRAME.settings, 0, 0, NO_HEADER_TABLE));
      write(frame(FRAME.windowUpdate, 0, 0, uint32(RECEIVE_WINDOW - DEFAULT_WINDOW)));
      resolve({ call, close: () => socket.destroy() });
    });
  });
}
