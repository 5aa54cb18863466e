import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { codeOf as httpCodeOf } from "./http1.ts";
import { type CallResult, GRPC_CODES, MAX_TEXT_LENGTH } from "./result.ts";

/** A request over HTTP/2. */
export interface Http2Request {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /**
   * The response is an endless stream: it is cancelled after its first message or after a timeout.
   */
  readonly endless: boolean;
}

/** Sends requests over a few HTTP/2 connections and replaces closed ones. */
export interface Http2Client {
  send(request: Http2Request): Promise<CallResult>;
  close(): void;
}

/** Time after which an endless stream is cancelled, in milliseconds. */
const STREAM_MS = 100;

export function openHttp2(port: number, connections: number): Http2Client {
  const sessions: (ClientHttp2Session | undefined)[] = Array.from({ length: connections }, () => undefined);
  let turn = 0;
  const next = (): ClientHttp2Session => {
    turn = (turn + 1) % connections;
    const open = sessions[turn];
    if (open !== undefined && !open.closed && !open.destroyed) {
      return open;
    }
    const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 100 });
    // Reported by its streams.
    session.on("error", () => {});
    session.on("goaway", () => session.close());
    session.setMaxListeners(0);
    sessions[turn] = session;
    return session;
  };
  return {
    send: (request) => sendOn(next(), request),
    close() {
      for (const session of sessions) {
        session?.destroy();
      }
    },
  };
}

function sendOn(session: ClientHttp2Session, { headers, body, endless }: Http2Request): Promise<CallResult> {
  return new Promise((resolve) => {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers, { endStream: body.length === 0 });
    } catch (error) {
      resolve({ code: "NOT SENT", text: String(error) });
      return;
    }
    let [status, grpcStatus, text, cancelled] = ["", "", "", false];
    let failure = "";
    const read = (of: Record<string, unknown>) => {
      if (of[":status"] !== undefined) {
        status = String(of[":status"]);
      }
      if (of["grpc-status"] !== undefined) {
        grpcStatus = String(of["grpc-status"]);
        text += ` ${of["grpc-message"] ?? ""}`;
      }
    };
    const cancel = () => {
      cancelled = true;
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const timer = endless ? setTimeout(cancel, STREAM_MS) : undefined;
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("data", (bytes: Buffer) => {
      if (text.length < MAX_TEXT_LENGTH) {
        text += bytes.toString("latin1", 0, MAX_TEXT_LENGTH);
      }
      if (endless) {
        cancel();
      }
    });
    stream.on("error", (error) => {
      failure = String(error);
    });
    // The response is complete; the request may not be.
    stream.once("end", () => stream.close());
    stream.once("close", () => {
      clearTimeout(timer);
      resolve({
        code: codeOf({ status, grpcStatus, rst: stream.rstCode ?? 0, cancelled, text }),
        text: `${text}${failure}`,
      });
    });
    if (body.length > 0) {
      stream.end(body);
    }
  });
}

function codeOf({
  status,
  grpcStatus,
  rst,
  cancelled,
  text,
}: {
  readonly status: string;
  readonly grpcStatus: string;
  readonly rst: number;
  readonly cancelled: boolean;
  readonly text: string;
}): string {
  if (grpcStatus !== "") {
    return GRPC_CODES[Number(grpcStatus)] ?? `grpc-status ${grpcStatus}`;
  }
  if (cancelled) {
    return "CANCELLED BY CLIENT";
  }
  if (status === "" || rst !== 0) {
    return rst === 0 ? "CLOSED" : `RESET ${rst}`;
  }
  return httpCodeOf(Number(status), "", text);
}
