import { connect } from "node:net";
import type { Connection, Reply } from "./connection.ts";
import {
  FLAG,
  FRAME,
  FRAME_HEADER,
  frame,
  headerBlock,
  isRefusal,
  NO_HEADER_TABLE,
  NOTHING,
  PREFACE,
  uint32,
} from "./http2-frames.ts";

const GRPC_HEADER = 5;
const DEFAULT_WINDOW = 65_535;
/** What we let the server send before we give it more. */
const OUR_WINDOW = 1 << 30;

interface Stream {
  readonly done: (answer: Reply) => void;
  /** The answer's bytes so far, with gRPC's header before the message. */
  body: Buffer;
}

/**
 * As much of an HTTP/2 client as unary gRPC calls need, so that the load takes little of the machine that it shares with the server:
 * frames are written as bytes, headers are coded once, answers' headers are looked at for one status only.
 */
export function openH2(host: string, port: number, headers: Readonly<Record<string, string>>): Promise<Connection> {
  const socket = connect({ host, port, noDelay: true });
  const blocks = new Map<string, Buffer>();
  const open = new Map<number, Stream>();
  const waiting: (() => void)[] = [];
  let nextStream = 1;
  let sendWindow = DEFAULT_WINDOW;
  let received = 0;
  let unread: Buffer = NOTHING;
  let corked = false;

  /** What is written in one turn leaves as one packet. */
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
    const unanswered = () => (trailers !== undefined && isRefusal(trailers) ? "refused" : "failed");
    done(hasMessage && trailers !== undefined ? body.subarray(GRPC_HEADER) : unanswered());
  }

  function takeData(streamId: number, payload: Buffer): void {
    const stream = open.get(streamId);
    if (stream !== undefined) {
      stream.body = stream.body.length === 0 ? Buffer.from(payload) : Buffer.concat([stream.body, payload]);
    }
    received += payload.length;
    if (received > OUR_WINDOW / 2) {
      write(frame(FRAME.windowUpdate, 0, 0, uint32(received)));
      received = 0;
    }
  }

  function take(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === FRAME.data) {
      takeData(streamId, payload);
    } else if (type === FRAME.headers && (flags & FLAG.endStream) !== 0) {
      finish(streamId, payload);
    } else if (type === FRAME.reset) {
      finish(streamId, undefined);
    } else if (type === FRAME.settings && (flags & FLAG.ack) === 0) {
      write(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
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
      take(all[at + 3] ?? 0, all[at + 4] ?? 0, all.readUInt32BE(at + 5), all.subarray(at + FRAME_HEADER, end));
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
    open.set(streamId, { done, body: NOTHING });
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
      write(frame(FRAME.windowUpdate, 0, 0, uint32(OUR_WINDOW - DEFAULT_WINDOW)));
      resolve({ call, close: () => socket.destroy() });
    });
  });
}
