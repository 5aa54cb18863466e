import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { createBufferedRequests, isSmallRequest } from "../../../../src/transport/guard/buffered-requests.ts";
import { SMALL_REQUEST_BYTES } from "../../../../src/transport/limits.ts";

/** A request that receives chunks by `push`. */
class FakeRequest extends EventEmitter {
  readonly received: unknown[] = [];

  push(chunk: unknown): boolean {
    this.received.push(chunk);
    return true;
  }
}

const LARGE = Buffer.alloc(SMALL_REQUEST_BYTES + 1);

/**
 * Tracks requests together, with a limit of two large ones; returns whether each has been
 * cancelled.
 */
function track(count: number) {
  const requests = createBufferedRequests(2 * LARGE.length);
  return Array.from({ length: count }, () => {
    const state = { request: new FakeRequest(), cancelled: false };
    requests.track(state.request, () => {
      state.cancelled = true;
    });
    return state;
  });
}

test("a large request beyond the limit is cancelled; a small one is not", () => {
  const [first, second, third, small] = track(4);
  first?.request.push(LARGE);
  second?.request.push(LARGE);
  small?.request.push(Buffer.alloc(1));
  third?.request.push(LARGE);
  expect([first, second, third, small].map((state) => state?.cancelled)).toEqual([false, false, true, false]);
  expect(third?.request.received).toEqual([LARGE]);
});

test.each(["end", "close"])("the bytes of a request are released at its %s", (how) => {
  const [first, second, third] = track(3);
  first?.request.push(LARGE);
  second?.request.push(LARGE);
  if (how === "end") {
    first?.request.push(null);
  } else {
    first?.request.emit("close");
  }
  third?.request.push(LARGE);
  expect(third?.cancelled).toBe(false);
});

test.each([
  [undefined, false, true],
  [String(SMALL_REQUEST_BYTES), false, true],
  [String(SMALL_REQUEST_BYTES + 1), false, false],
  [undefined, true, false],
])("content-length %s, chunked %s: small is %s", (contentLength, chunked, small) => {
  expect(isSmallRequest(contentLength, chunked)).toBe(small);
});
