import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { createRequestBodies } from "../../../../src/transport/guard/request-bodies.ts";
import {
  CHUNK_COST_BYTES,
  SMALL_CHUNK_BYTES,
  SMALL_CHUNKS_PER_REQUEST,
  SMALL_REQUEST_BYTES,
} from "../../../../src/transport/limits.ts";

/** A request that receives chunks by `push`. */
class FakeRequest extends EventEmitter {
  readonly received: unknown[] = [];
  writableEnded = false;

  push(chunk: unknown): boolean {
    this.received.push(chunk);
    return true;
  }
}

const LARGE = Buffer.alloc(SMALL_REQUEST_BYTES + 1);
const TINY = Buffer.alloc(1);
const COST = LARGE.length + CHUNK_COST_BYTES;
const MAX_SMALL = 10;

/** Tracks requests together; the bytes of all are limited to those of four large ones. */
function createHarness() {
  const bodies = createRequestBodies(4 * COST, MAX_SMALL);
  return {
    ...bodies,
    track(address: string) {
      const request = new FakeRequest();
      const closing = { cancel: vi.fn(), disconnect: vi.fn() };
      bodies.track(request, address, closing);
      return {
        request,
        ...closing,
        push(chunk: Buffer, times = 1) {
          for (let time = 0; time < times; time += 1) {
            request.push(chunk);
          }
        },
      };
    },
  };
}

test("a large request beyond the limit of all addresses is cancelled; a small one is not", () => {
  const { track } = createHarness();
  const first = ["a", "a", "b", "b"].map(track);
  for (const { push } of first) {
    push(LARGE);
  }
  const [small, large] = ["c", "c"].map(track);
  small?.push(TINY);
  large?.push(LARGE);
  expect([...first, small, large].map((one) => one?.cancel.mock.calls.length)).toEqual([0, 0, 0, 0, 0, 1]);
});

test("beyond the share of an address its largest requests are cancelled", () => {
  const { track } = createHarness();
  const [large, larger, small, other] = ["a", "a", "a", "b"].map(track);
  large?.push(LARGE);
  larger?.push(LARGE);
  other?.push(LARGE);
  const cancelled = () => [large, larger, small, other].map((request) => request?.cancel.mock.calls.length);
  expect(cancelled()).toEqual([0, 0, 0, 0]);
  small?.push(TINY);
  expect(cancelled()).toEqual([1, 0, 0, 0]);
  larger?.push(LARGE);
  large?.push(LARGE);
  expect(cancelled()).toEqual([1, 1, 0, 0]);
  expect(small?.request.received).toEqual([TINY]);
});

test("each chunk costs more than its bytes", () => {
  const { track, reset } = createHarness();
  const { push, cancel } = track("a");
  for (let chunks = 0; chunks < (2 * COST) / (CHUNK_COST_BYTES + 1) - 1; chunks += 1) {
    push(TINY);
    reset();
  }
  expect(cancel).not.toHaveBeenCalled();
  push(TINY, 2);
  expect(cancel).toHaveBeenCalled();
});

test.each(["end", "close"])("the bytes of a request are released at its %s", (how) => {
  const { track } = createHarness();
  const [first, second, third] = ["a", "a", "a"].map(track);
  first?.push(LARGE);
  second?.push(LARGE);
  if (how === "end") {
    first?.request.push(null);
  } else {
    first?.request.emit("close");
  }
  third?.push(LARGE);
  expect(third?.cancel).not.toHaveBeenCalled();
});

test("what arrives after the response is discarded", () => {
  const { track } = createHarness();
  const { request, push, cancel } = track("a");
  push(TINY);
  request.writableEnded = true;
  push(LARGE, 10);
  request.push(null);
  expect(request.received).toEqual([TINY, null]);
  expect(cancel).not.toHaveBeenCalled();
});

test("too many small chunks of an address in one second close the connection", () => {
  const { track, reset } = createHarness();
  const [first, second, other] = ["a", "a", "b"].map(track);
  first?.push(TINY, SMALL_CHUNKS_PER_REQUEST + MAX_SMALL);
  second?.push(TINY, SMALL_CHUNKS_PER_REQUEST);
  other?.push(TINY, SMALL_CHUNKS_PER_REQUEST + MAX_SMALL);
  reset();
  first?.push(TINY, MAX_SMALL);
  second?.push(Buffer.alloc(SMALL_CHUNK_BYTES));
  expect([first, second, other].map((one) => one?.disconnect.mock.calls.length)).toEqual([0, 0, 0]);
  second?.push(TINY);
  expect([first, second, other].map((one) => one?.disconnect.mock.calls.length)).toEqual([0, 1, 0]);
});
