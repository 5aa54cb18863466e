import { channel } from "node:diagnostics_channel";
import { constants } from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isFloodingAddress } from "../../../../src/transport/connections/flooding-addresses.ts";
import { createUnprovenLimit, markProven } from "../../../../src/transport/guard/unproven-limit.ts";
import {
  FLOODING_CONCURRENT_STREAMS,
  INITIAL_CONCURRENT_STREAMS,
  MAX_CONCURRENT_STREAMS,
  MAX_UNPROVEN_CALLS,
} from "../../../../src/transport/limits.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

let addresses = 0;

/** A connection, from an address of its own by default: limits of addresses do not carry over. */
function open(address = `198.51.100.${++addresses}`) {
  const announced: unknown[] = [];
  const codes: unknown[] = [];
  const session = {
    destroyed: false,
    settings: (settings: unknown) => void announced.push(settings),
    destroy(code: unknown) {
      session.destroyed = true;
      codes.push(code);
    },
  };
  const limit = createUnprovenLimit(session as never, address);
  const streamOf = (closed = false) => {
    const closedWith: number[] = [];
    return { stream: { closed, close: (code: number) => void closedWith.push(code) } as never, closedWith };
  };
  return { limit, session, streamOf, announced, codes };
}

test("refuses calls beyond the initial number, then closes the connection", () => {
  const { limit, streamOf, codes } = open();
  expect(limit.accepts(streamOf().stream, INITIAL_CONCURRENT_STREAMS - 1)).toBe(true);
  const refused = streamOf();
  expect(limit.accepts(refused.stream, INITIAL_CONCURRENT_STREAMS)).toBe(false);
  expect(refused.closedWith).toEqual([constants.NGHTTP2_REFUSED_STREAM]);
  for (let count = 0; count < 2 * INITIAL_CONCURRENT_STREAMS; count += 1) {
    limit.accepts(streamOf().stream, INITIAL_CONCURRENT_STREAMS);
  }
  expect(codes).toEqual([constants.NGHTTP2_ENHANCE_YOUR_CALM]);
});

test("calls that are reset at once count, and start again in the next second", () => {
  const { limit, streamOf, session } = open();
  const cancelled = () => {
    for (let count = 0; count < 2 * INITIAL_CONCURRENT_STREAMS; count += 1) {
      limit.accepts(streamOf(true).stream, 0);
    }
  };
  cancelled();
  limit.nextSecond();
  cancelled();
  expect(session.destroyed).toBe(false);
  cancelled();
  expect(session.destroyed).toBe(true);
});

test("a connection for each call, as by a proxy, is not limited by its address", () => {
  const accepted = Array.from({ length: 2 * MAX_UNPROVEN_CALLS }, () => {
    const { limit, streamOf } = open("192.0.2.1");
    return limit.accepts(streamOf().stream, 0);
  });
  expect(accepted).not.toContain(false);
});

test("many calls on each connection are limited by their address", () => {
  const accepted = Array.from({ length: (2 * MAX_UNPROVEN_CALLS) / 100 }, () => {
    const { limit, streamOf } = open("192.0.2.2");
    return Array.from({ length: 100 }, (_, index) => limit.accepts(streamOf().stream, index % 50));
  });
  expect(accepted.flat().filter(Boolean).length).toBeLessThan(MAX_UNPROVEN_CALLS + 100);
});

test("the first admitted call removes the limit, and announces it once", () => {
  const { limit, session, announced } = open();
  expect(limit.isProven()).toBe(false);
  markProven(session as never);
  markProven(session as never);
  expect(limit.isProven()).toBe(true);
  expect(announced).toEqual([{ maxConcurrentStreams: MAX_CONCURRENT_STREAMS }]);
});

test("a call over HTTP/1.1, and one of a closed connection, prove nothing", () => {
  const { session, announced } = open();
  session.destroy(undefined);
  markProven(undefined);
  markProven(session as never);
  expect(announced).toEqual([]);
});

test("closes a connection with too many streams in one packet, and delays the address", () => {
  const { session, codes } = open("192.0.2.3");
  const created = () => channel("http2.server.stream.created").publish({ stream: { session, on() {} } });
  for (let count = 0; count < INITIAL_CONCURRENT_STREAMS + FLOODING_CONCURRENT_STREAMS; count += 1) {
    created();
  }
  expect([codes, isFloodingAddress("192.0.2.3")]).toEqual([[], false]);
  created();
  expect([codes, isFloodingAddress("192.0.2.3")]).toEqual([[constants.NGHTTP2_ENHANCE_YOUR_CALM], true]);
});

test("as many in several packets, or on a connection with an admitted call, are no flood", async () => {
  const { session, codes } = open("192.0.2.4");
  const created = () => channel("http2.server.stream.created").publish({ stream: { session, on() {} } });
  for (let packet = 0; packet < 3; packet += 1) {
    for (let count = 0; count < INITIAL_CONCURRENT_STREAMS; count += 1) {
      created();
    }
    await nextTurn();
  }
  markProven(session as never);
  for (let count = 0; count < 3 * INITIAL_CONCURRENT_STREAMS; count += 1) {
    created();
  }
  expect(codes).toEqual([]);
});
