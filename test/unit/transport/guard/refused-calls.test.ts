import { constants } from "node:http2";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { onCallRefused } from "../../../../src/transport/guard/refused-calls.ts";
import { MAX_REFUSED_CALLS } from "../../../../src/transport/limits.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function createSession() {
  const session = {
    destroyed: false,
    destroy: vi.fn(() => {
      session.destroyed = true;
    }),
  };
  return session;
}

const refuse = (session: ReturnType<typeof createSession>, address: string, count: number, proxied = false) =>
  Array.from({ length: count }, () => onCallRefused(session as never, address, proxied)).filter(Boolean).length;

test("too many in a second close the connections of their address, whichever it used before", () => {
  const [first, second, other] = [createSession(), createSession(), createSession()];
  expect(refuse(first, "192.0.2.1", MAX_REFUSED_CALLS)).toBe(0);
  expect(refuse(other, "192.0.2.2", MAX_REFUSED_CALLS)).toBe(0);
  expect(refuse(second, "192.0.2.1", 1)).toBe(1);
  expect(second.destroy.mock.calls).toEqual([[constants.NGHTTP2_ENHANCE_YOUR_CALM]]);
  expect([first, other].map(({ destroyed }) => destroyed)).toEqual([false, false]);
  expect(refuse(first, "192.0.2.1", 5)).toBe(5);
  expect(first.destroy).toHaveBeenCalledOnce();
});

test("the count starts again every second", () => {
  const session = createSession();
  for (let second = 0; second < 5; second += 1) {
    vi.advanceTimersByTime(1_001);
    expect(refuse(session, "192.0.2.3", MAX_REFUSED_CALLS)).toBe(0);
  }
});

test("a proxy's connection stays open", () => {
  const session = createSession();
  expect(refuse(session, "192.0.2.4", 2 * MAX_REFUSED_CALLS, true)).toBe(0);
  expect(session.destroy).not.toHaveBeenCalled();
});
