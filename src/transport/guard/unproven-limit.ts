import { constants, type OutgoingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import {
  FLOODING_CONCURRENT_STREAMS,
  INITIAL_CONCURRENT_STREAMS,
  MAX_CONCURRENT_STREAMS,
  MAX_UNPROVEN_CALLS,
} from "../limits.ts";
import { countUnprovenCall, isFlooding } from "./refused-calls.ts";

/** RPCs that authenticate their callers; all of the contract. */
const RPC_PATH = /^\/oms\./;

/**
 * Types of responses whose status shows a success. Those of gRPC-Web and of streams over Connect
 * carry errors in their bodies.
 */
const UNARY_OR_GRPC = /^application\/(?:grpc(?:$|[+;])|json|proto)/;

/** The parts of a session and of a stream that are used. */
type Session = Pick<ServerHttp2Session, "settings" | "destroy" | "destroyed">;
type Stream = Pick<ServerHttp2Stream, "closed" | "close" | "on" | "respond">;

/**
 * Limits the calls of one connection until one has succeeded: the concurrent ones, and twice as
 * many in a second, as a client may cancel each at once. A client that is not authenticated, or
 * sends no whole request, cannot make the server start thousands of calls.
 */
export interface UnprovenLimit {
  /**
   * Whether a stream becomes a call, which one that the client has reset does not. One beyond the
   * limit is refused; the connection of a client that ignores the limit is closed.
   */
  accepts(stream: Stream, callsInFlight: number): boolean;
  /** Removes the limit with the first success, and announces it to the client. */
  observe(stream: Stream, path: string): void;
  /** Called once per second. */
  nextSecond(): void;
}

/** @param address of the remote end */
export function createUnprovenLimit(session: Session, address: string): UnprovenLimit {
  let succeeded = false;
  let refused = 0;
  let started = 0;
  return {
    accepts(stream, callsInFlight) {
      if (session.destroyed) {
        return false;
      }
      if (succeeded) {
        return !stream.closed;
      }
      const max = isFlooding(address) ? FLOODING_CONCURRENT_STREAMS : INITIAL_CONCURRENT_STREAMS;
      if (
        !stream.closed &&
        callsInFlight < max &&
        started < 2 * max &&
        // The first calls are free: a proxy or a script may open a connection for each.
        (started < FLOODING_CONCURRENT_STREAMS || countUnprovenCall(address) <= MAX_UNPROVEN_CALLS)
      ) {
        started += 1;
        return true;
      }
      refused += 1;
      if (refused > 2 * max) {
        // Without an error as first argument, which would make the code of GOAWAY 0.
        session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
      } else if (!stream.closed) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      }
      return false;
    },
    nextSecond() {
      started = 0;
      refused = 0;
    },
    observe(stream, path) {
      if (succeeded || !RPC_PATH.test(path)) {
        return;
      }
      const { respond } = stream;
      stream.respond = (headers, options) => {
        if (!succeeded && !session.destroyed && isSuccess(headers as OutgoingHttpHeaders)) {
          succeeded = true;
          session.settings({ maxConcurrentStreams: MAX_CONCURRENT_STREAMS });
        }
        respond.call(stream as ServerHttp2Stream, headers, options);
      };
    },
  };
}

/** Errors of gRPC that only an authenticated caller gets: NOT_FOUND to ABORTED but for two. */
const ERRORS_AFTER_AUTHENTICATION: ReadonlySet<string> = new Set(["5", "6", "7", "9", "10"]);

function isSuccess(headers: OutgoingHttpHeaders = {}): boolean {
  const { ":status": httpStatus = 200, "grpc-status": grpcStatus, "content-type": type = "" } = headers;
  return (
    Number(httpStatus) === 200 &&
    UNARY_OR_GRPC.test(String(type)) &&
    // In a response of headers alone.
    (grpcStatus === undefined || ERRORS_AFTER_AUTHENTICATION.has(String(grpcStatus)))
  );
}
