import { subscribe } from "node:diagnostics_channel";
import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { onFlood } from "../connections/flooding-addresses.ts";
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
  /** Whether an admitted call has arrived: the connection is not limited any more. */
  isProven(): boolean;
  /**
   * Whether a stream becomes a call, which one that the client has reset does not. One beyond the
   * limit is refused; the connection of a client that ignores the limit is closed.
   */
  accepts(stream: Stream, callsInFlight: number): boolean;
  /** Called once per second. */
  nextSecond(): void;
}

/** The connections of HTTP/2 that are limited. */
const unproven = new WeakMap<object, { prove(): void; onCreated(): void }>();

/** The connections on which an admitted, valid call has arrived. */
const proven = new WeakSet<object>();

/** Called when an admitted, valid call has arrived on a connection: removes its limit. */
export function markProven(connection: Http2Session | Socket | undefined): void {
  if (connection !== undefined && !proven.has(connection)) {
    proven.add(connection);
    unproven.get(connection)?.prove();
  }
}

/** Whether an admitted, valid call has arrived on a connection. */
export const isProven = (connection: Http2Session | Socket): boolean => proven.has(connection);

// Node announces streams here while it reads a packet, with the event after it: a client that
// resets its streams could have thousands created by one packet.
subscribe("http2.server.stream.created", (message) => {
  const { stream } = message as { readonly stream: ServerHttp2Stream };
  const limit = stream.session && unproven.get(stream.session);
  if (limit !== undefined) {
    // Closed before anything else listens to it.
    stream.on("error", () => {});
    limit.onCreated();
  }
});

/** @param address of the remote end */
export function createUnprovenLimit(session: Session, address: string): UnprovenLimit {
  let refused = 0;
  let started = 0;
  /** Streams created in this turn of the event loop. */
  let created = 0;
  const max = () => (isFlooding(address) ? FLOODING_CONCURRENT_STREAMS : INITIAL_CONCURRENT_STREAMS);
  const close = () => {
    onFlood(address);
    // Without an error as first argument, which would make the code of GOAWAY 0.
    session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
  };
  unproven.set(session, {
    prove() {
      unproven.delete(session);
      if (!session.destroyed) {
        session.settings({ maxConcurrentStreams: MAX_CONCURRENT_STREAMS });
      }
    },
    onCreated() {
      if (created === 0) {
        setImmediate(() => {
          created = 0;
        });
      }
      created += 1;
      if (created > max() + FLOODING_CONCURRENT_STREAMS) {
        close();
      }
    },
  });
  return {
    isProven: () => proven.has(session),
    accepts(stream, callsInFlight) {
      if (session.destroyed) {
        return false;
      }
      if (proven.has(session)) {
        return !stream.closed;
      }
      const allowed = max();
      if (
        !stream.closed &&
        callsInFlight < allowed &&
        started < 2 * allowed &&
        // The first calls are free: a proxy or a script may open a connection for each.
        (started < FLOODING_CONCURRENT_STREAMS || countUnprovenCall(address) <= MAX_UNPROVEN_CALLS)
      ) {
        started += 1;
        return true;
      }
      refused += 1;
      if (refused > 2 * allowed) {
        close();
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
