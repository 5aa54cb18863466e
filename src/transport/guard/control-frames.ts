import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { MAX_CONTROL_FRAMES } from "../limits.ts";

/** Size of a DATA frame. A client may answer each of them with a PING. */
const DATA_FRAME_BYTES = 16 * 1024;

/** The parts of a session that are watched. */
type Session = Pick<ServerHttp2Session, "on" | "destroy">;

/** The members of a stream that send HEADERS and DATA. */
type Stream = Pick<ServerHttp2Stream, "respond" | "_write"> & { _writev?: ServerHttp2Stream["_writev"] };

/** Limits the PING and SETTINGS frames of one connection. */
export interface ControlFrameLimit {
  /** Counts what the server sends on a stream as traffic, which allows further control frames. */
  observe(stream: Stream): void;
  /** Called once per second. */
  reset(): void;
}

/**
 * Closes a connection with ENHANCE_YOUR_CALM when it sends too many control frames without traffic.
 * As in gRPC's own servers, HEADERS and DATA sent set the count back.
 */
export function createControlFrameLimit(session: Session, max = MAX_CONTROL_FRAMES): ControlFrameLimit {
  let count = 0;
  const onControlFrame = () => {
    count += 1;
    if (count === max) {
      // Without an error as first argument, which would make the code of GOAWAY 0.
      session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
    }
  };
  session.on("ping", onControlFrame);
  session.on("remoteSettings", onControlFrame);

  const onData = (bytes: number) => {
    count = -Math.floor(bytes / DATA_FRAME_BYTES);
  };

  return {
    observe(stream) {
      const { respond, _write, _writev } = stream;
      stream.respond = (headers, options) => {
        count = 0;
        respond.call(stream as ServerHttp2Stream, headers, options);
      };
      stream._write = (chunk: Buffer, encoding, callback) => {
        onData(chunk.length);
        _write.call(stream as ServerHttp2Stream, chunk, encoding, callback);
      };
      stream._writev = (chunks, callback) => {
        onData(chunks.reduce((sum, { chunk }) => sum + (chunk as Buffer).length, 0));
        _writev?.call(stream as ServerHttp2Stream, chunks, callback);
      };
    },
    reset() {
      count = Math.min(count, 0);
    },
  };
}
