import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type CallResult, GRPC_CODES, MAX_TEXT_LENGTH } from "./answer.ts";
import { codeOf as httpCodeOf } from "./http1.ts";

/** A request as it goes over HTTP/2. */
export interface Http2Request {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** It is a stream without an end: we leave after its first message, or after a while. */
  readonly endless: boolean;
}

/** Sends requests over a few HTTP/2 connections, and opens another one where one has ended. */
export interface Http2Client {
  send(request: Http2Request): Promise<CallResult>;
  close(): void;
}

/** How long a stream without an end is listened to, in milliseconds. */
const LISTEN_MS = 100;

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
    // Its streams tell.
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
    let [status, grpcStatus, text, left] = ["", "", "", false];
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
    const leave = () => {
      left = true;
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const timer = endless ? setTimeout(leave, LISTEN_MS) : undefined;
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("data", (bytes: Buffer) => {
      if (text.length < MAX_TEXT_LENGTH) {
        text += bytes.toString("latin1", 0, MAX_TEXT_LENGTH);
      }
      if (endless) {
        leave();
      }
    });
    stream.on("error", (error) => {
      failure = String(error);
    });
    // The answer is whole; the request may not be.
    stream.once("end", () => stream.close());
    stream.once("close", () => {
      clearTimeout(timer);
      resolve({
        code: codeOf({ status, grpcStatus, rst: stream.rstCode ?? 0, left, text }),
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
  left,
  text,
}: {
  readonly status: string;
  readonly grpcStatus: string;
  readonly rst: number;
  readonly left: boolean;
  readonly text: string;
}): string {
  if (grpcStatus !== "") {
    return GRPC_CODES[Number(grpcStatus)] ?? `grpc-status ${grpcStatus}`;
  }
  if (left) {
    return "LEFT";
  }
  if (status === "" || rst !== 0) {
    return rst === 0 ? "CLOSED" : `RESET ${rst}`;
  }
  return httpCodeOf(Number(status), "", text);
}
