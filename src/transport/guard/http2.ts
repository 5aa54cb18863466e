import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { PacedStarts } from "../../lib/paced-starts.ts";
import type { ClientAddress } from "../connections/client-address.ts";
import { normalizeAddress } from "../connections/peer.ts";
import { IDLE_HTTP2_MS, REQUEST_TIMEOUT_MS, UNREAD_REQUEST_MS } from "../limits.ts";
import { type ControlFrameLimit, createControlFrameLimit } from "./control-frames.ts";
import type { RequestBodies } from "./request-bodies.ts";
import { createUnprovenLimit, type UnprovenLimit } from "./unproven-limit.ts";
import type { UnreadResponses } from "./unread-responses.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;

/** Reflection: its clients may keep a call open for further requests. */
const LONG_LIVED_CALLS = /^\/grpc\.reflection\./;

/** Maximum duration of such a call, in milliseconds. */
const LONG_LIVED_CALL_MS = 10 * 60_000;

/** A call whose request is incomplete. */
interface IncompleteCall {
  readonly stream: ServerHttp2Stream;
  readonly dueAt: number;
  /** When the response ended before the request. */
  answeredAt: number | undefined;
}

interface Connection {
  /** The remote address. */
  readonly address: string;
  callsInFlight: number;
  lastCallAt: number;
  readonly controlFrames: ControlFrameLimit;
  /** Until a call has reached its handler. */
  readonly unproven: UnprovenLimit;
}

/** What the guard of a server shares with those of others. */
export interface SharedLimits {
  readonly bodies: RequestBodies;
  readonly responses: UnreadResponses;
  readonly startPaced: PacedStarts;
  readonly clientAddress: ClientAddress;
}

/**
 * Closes HTTP/2 streams and connections that harm others, and that Node tolerates: requests that
 * never complete, floods of PING and SETTINGS frames and of small DATA frames, idle connections.
 *
 * @returns the check to be called periodically
 */
export function guardHttp2(
  server: Http2Server,
  { bodies, responses, startPaced, clientAddress }: SharedLimits,
): (now: number) => void {
  const connections = new Map<ServerHttp2Session, Connection>();
  const incomplete = new Set<IncompleteCall>();

  server.on("session", (session) => {
    const address = normalizeAddress(session.socket.remoteAddress ?? "");
    connections.set(session, {
      address,
      callsInFlight: 0,
      lastCallAt: performance.now(),
      controlFrames: createControlFrameLimit(session),
      unproven: createUnprovenLimit(session, address),
    });
    session.once("close", () => connections.delete(session));
  });

  // Before all listeners, which create a call.
  const { emit } = server;
  server.emit = (event: string, ...values: unknown[]) => {
    if (event !== "stream") {
      return emit.call(server, event, ...values);
    }
    const [stream, headers, flags] = values as [ServerHttp2Stream, IncomingHttpHeaders, number];
    const connection = connections.get(stream.session as ServerHttp2Session);
    // Without a connection, the client has closed it or reset the stream.
    if (connection === undefined || !connection.unproven.accepts(stream, connection.callsInFlight)) {
      stream.on("error", () => {});
      return true;
    }
    // At once: what follows in the same packet counts too.
    guardStream(connection, stream, headers, flags);
    if (connection.unproven.isProven()) {
      emit.call(server, event, ...values);
    } else {
      // In a flood it is reset by then, and nothing was done for it.
      startPaced(() => !stream.closed && startLate(stream, () => emit.call(server, event, ...values)));
    }
    return true;
  };

  function guardStream(
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
  ): void {
    connection.callsInFlight += 1;
    connection.controlFrames.observe(stream);
    const enhanceYourCalm = () => stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
    const onResponseEnd = responses.add(stream, enhanceYourCalm);
    let call: IncompleteCall | undefined;
    if ((flags & NGHTTP2_FLAG_END_STREAM) === 0) {
      const timeoutMs = LONG_LIVED_CALLS.test(String(headers[":path"])) ? LONG_LIVED_CALL_MS : REQUEST_TIMEOUT_MS;
      call = { stream, dueAt: performance.now() + timeoutMs, answeredAt: undefined };
      incomplete.add(call);
      const { session } = stream;
      bodies.track(stream as never, clientAddress(connection, headers["x-forwarded-for"]?.toString()), {
        cancel: enhanceYourCalm,
        disconnect: () => session?.destroy(NGHTTP2_ENHANCE_YOUR_CALM as never),
      });
    }
    stream.once("close", () => {
      onResponseEnd();
      if (call !== undefined) {
        incomplete.delete(call);
      }
      connection.callsInFlight -= 1;
      connection.lastCallAt = performance.now();
    });
  }

  return (now) => {
    for (const [session, connection] of connections) {
      connection.controlFrames.reset();
      connection.unproven.nextSecond();
      if (connection.callsInFlight === 0 && now - connection.lastCallAt > IDLE_HTTP2_MS) {
        session.close();
      }
    }
    for (const call of incomplete) {
      const { stream } = call;
      if (stream.readableEnded) {
        incomplete.delete(call);
      } else if (now > call.dueAt) {
        stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
      } else if (stream.writableFinished) {
        // Delayed: an immediate reset would overtake the end of the response.
        call.answeredAt ??= now;
        if (now - call.answeredAt > UNREAD_REQUEST_MS) {
          stream.close(NGHTTP2_NO_ERROR);
        }
      }
    }
  };
}

/** Starts a call whose request, if it has no body, has ended before anything listened to it. */
function startLate(stream: ServerHttp2Stream, start: () => void): true {
  const ended = stream.readableEnded;
  start();
  if (ended) {
    process.nextTick(() => stream.emit("end"));
  }
  return true;
}
