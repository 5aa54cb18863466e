import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import {
  FLOODING_CONCURRENT_STREAMS,
  INITIAL_CONCURRENT_STREAMS,
  MAX_CONCURRENT_STREAMS,
  MAX_UNPROVEN_CALLS,
} from "../limits.ts";
import { countUnprovenCall, isFlooding } from "./refused-calls.ts";

/** The parts of a session and of a stream that are used. */
type Session = Pick<ServerHttp2Session, "settings" | "destroy" | "destroyed">;
type Stream = Pick<ServerHttp2Stream, "closed" | "close">;

/**
 * Limits the calls of one connection until one has reached its handler: the concurrent ones, and
 * twice as many in a second, as a client may cancel each at once. A client that is not admitted, or
 * sends no whole request, cannot make the server start thousands of calls.
 */
export interface UnprovenLimit {
  /**
   * Whether a stream becomes a call, which one that the client has reset does not. One beyond the
   * limit is refused; the connection of a client that ignores the limit is closed.
   */
  accepts(stream: Stream, callsInFlight: number): boolean;
  /** Called once per second. */
  nextSecond(): void;
}

/** Removes the limit of a connection. */
const removals = new WeakMap<object, () => void>();

/** Called when an admitted, valid call has arrived on a connection: removes its limit. */
export function markProven(session: Http2Session | undefined): void {
  if (session !== undefined) {
    removals.get(session)?.();
  }
}

/** @param address of the remote end */
export function createUnprovenLimit(session: Session, address: string): UnprovenLimit {
  let proven = false;
  let refused = 0;
  let started = 0;
  removals.set(session, () => {
    removals.delete(session);
    proven = true;
    if (!session.destroyed) {
      session.settings({ maxConcurrentStreams: MAX_CONCURRENT_STREAMS });
    }
  });
  return {
    accepts(stream, callsInFlight) {
      if (session.destroyed) {
        return false;
      }
      if (proven) {
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
  };
}
