import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { IDLE_HTTP2_MS, MAX_CONTROL_FRAMES, REQUEST_TIMEOUT_MS, UNREAD_REQUEST_MS } from "../limits.ts";
import { type BufferedRequests, isSmallRequest } from "./buffered-requests.ts";
import type { MisbehavingClients } from "./misbehaving-clients.ts";
import type { UnreadResponses } from "./unread-responses.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;

/** Paths of calls that a client may keep open for further requests: reflection. */
const TALKS = /^\/grpc\.reflection\./;

/** How long such a call may go on, in milliseconds. */
const TALK_MS = 10 * 60_000;

/** A call whose request is not whole yet. */
interface Unfinished {
  readonly stream: ServerHttp2Stream;
  readonly dueAt: number;
  /** When the answer was at its end, and the request was not. */
  answeredAt: number | undefined;
}

interface Connection {
  /** Calls under way. */
  calls: number;
  calledAt: number;
  /** Pings and settings since the last look. */
  controls: number;
}

/**
 * Ends what HTTP/2 connections do at the others' expense and Node lets pass: requests that never end, floods of pings and settings, and
 * connections that nobody uses.
 *
 * @returns to be called now and then
 */
export function guardHttp2(
  server: Http2Server,
  requests: BufferedRequests,
  answers: UnreadResponses,
  offenders: MisbehavingClients,
): (now: number) => void {
  const connections = new Map<ServerHttp2Session, Connection>();
  const unfinished = new Set<Unfinished>();

  server.on("session", (session) => {
    const connection: Connection = { calls: 0, calledAt: performance.now(), controls: 0 };
    connections.set(session, connection);
    const address = session.socket.remoteAddress ?? "";
    session.once("error", ({ code = "" }: NodeJS.ErrnoException) => {
      // Not where the network broke.
      if (code.startsWith("ERR_HTTP2")) {
        offenders.recordViolation(address);
      }
    });
    const control = () => {
      connection.controls += 1;
      if (connection.controls === MAX_CONTROL_FRAMES) {
        offenders.recordViolation(address);
        session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM);
      }
    };
    session.on("ping", control);
    session.on("remoteSettings", control);
    session.once("close", () => connections.delete(session));
  });

  server.prependListener("stream", (stream, headers, flags) => {
    const connection = connections.get(stream.session as ServerHttp2Session);
    if (connection !== undefined) {
      connection.calls += 1;
    }
    const calm = () => stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
    const read = answers.add(stream, calm);
    let call: Unfinished | undefined;
    if ((flags & NGHTTP2_FLAG_END_STREAM) === 0) {
      const mayTake = TALKS.test(String(headers[":path"])) ? TALK_MS : REQUEST_TIMEOUT_MS;
      call = { stream, dueAt: performance.now() + mayTake, answeredAt: undefined };
      unfinished.add(call);
      if (!isSmallRequest(headers["content-length"], headers["content-length"] === undefined)) {
        requests.track(stream as never, calm);
      }
    }
    stream.once("close", () => {
      read();
      if (call !== undefined) {
        unfinished.delete(call);
      }
      if (connection !== undefined) {
        connection.calls -= 1;
        connection.calledAt = performance.now();
      }
    });
  });

  return (now) => {
    for (const [session, connection] of connections) {
      connection.controls = 0;
      if (connection.calls === 0 && now - connection.calledAt > IDLE_HTTP2_MS) {
        session.close();
      }
    }
    for (const call of unfinished) {
      const { stream } = call;
      if (stream.readableEnded) {
        unfinished.delete(call);
      } else if (now > call.dueAt) {
        stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
      } else if (stream.writableFinished) {
        // Not at once: that would overtake the answer's end.
        call.answeredAt ??= now;
        if (now - call.answeredAt > UNREAD_REQUEST_MS) {
          stream.close(NGHTTP2_NO_ERROR);
        }
      }
    }
  };
}
