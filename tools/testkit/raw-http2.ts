import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Types of HTTP/2 frames (RFC 9113, 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};

export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;

/** An HTTP/2 connection whose frames are written by hand. */
export interface RawHttp2 {
  readonly socket: Socket;
  /** Received so far: reset codes by stream, the code of GOAWAY, and HEADERS frames. */
  readonly received: { readonly resets: Map<number, number>; goaway: number | undefined; headers: number };
  send(type: number, flags: number, stream: number, payload?: Buffer): boolean;
  /** Opens a stream with a request. */
  request(stream: number, path: string, type?: string): boolean;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<unknown>;
}

/** @param options.polite whether PING and SETTINGS frames are acknowledged; default: true */
export async function openRawHttp2(
  port: number,
  {
    settings = Buffer.alloc(0),
    preface = true,
    polite = true,
    localAddress = "127.0.0.1",
  }: {
    readonly settings?: Buffer;
    readonly preface?: boolean;
    readonly polite?: boolean;
    readonly localAddress?: string;
  } = {},
): Promise<RawHttp2> {
  const socket = connect({ port, host: "127.0.0.1", localAddress }).setMaxListeners(0);
  socket.on("error", () => {});
  const closed = once(socket, "close").catch(() => {});
  await Promise.race([once(socket, "connect").catch(() => {}), closed]);
  const received: RawHttp2["received"] = { resets: new Map(), goaway: undefined, headers: 0 };
  const send = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)) =>
    socket.write(frameOf(type, flags, stream, payload));
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3);
      const [type, flags = 0, stream] = [rest[3], rest[4], rest.readUInt32BE(5)];
      const payload = rest.subarray(9, 9 + length);
      rest = rest.subarray(9 + length);
      if (type === FRAME.reset) {
        received.resets.set(stream, payload.readUInt32BE(0));
      } else if (type === FRAME.goaway) {
        received.goaway = payload.readUInt32BE(4);
      } else if (type === FRAME.headers) {
        received.headers += 1;
      } else if (polite && (type === FRAME.ping || type === FRAME.settings) && (flags & ACK) === 0) {
        send(type, ACK, 0, type === FRAME.ping ? Buffer.from(payload) : undefined);
      }
    }
  });
  if (preface) {
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send(FRAME.settings, 0, 0, settings);
  }
  return {
    socket,
    received,
    send,
    closed,
    request: (stream, path, type) => send(FRAME.headers, END_HEADERS, stream, requestHeaders(path, type)),
  };
}

export function frameOf(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([head(payload.length, type, flags, stream), payload]);
}

function head(length: number, type: number, flags: number, stream: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  return bytes;
}

/** SETTINGS with an initial window of 0. */
export const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);

/** The headers of a request. */
export function requestHeaders(
  path: string,
  type = "application/grpc",
  more: readonly (readonly [string, string])[] = [],
): Buffer {
  return Buffer.concat(
    [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", "localhost"],
      ["content-type", type],
      ["te", "trailers"],
      ...more,
    ].map(([name = "", value = ""]) => header(name, value)),
  );
}

/** A header without compression (RFC 7541, 6.2.2). */
export function header(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) {
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  }
  const length = [127];
  let left = bytes.length - 127;
  while (left > 127) {
    length.push((left & 127) | 128);
    left >>>= 7;
  }
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}

/** A gRPC message with its five-byte prefix. */
export function grpcMessage(bytes: Uint8Array, length = bytes.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, bytes]);
}
