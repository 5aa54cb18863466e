import { EventEmitter } from "node:events";
import { constants } from "node:http2";
import { expect, test, vi } from "vitest";
import { createControlFrameLimit } from "../../../../src/transport/guard/control-frames.ts";

const MAX = 10;

function createHarness() {
  const session = Object.assign(new EventEmitter(), { destroy: vi.fn() });
  const limit = createControlFrameLimit(session as never, MAX);
  const stream = { respond: vi.fn(), _write: vi.fn(), _writev: vi.fn() };
  const { respond, _write, _writev } = stream;
  limit.observe(stream as never);
  const receive = (count: number, kind = "ping") => {
    for (let index = 0; index < count; index += 1) {
      session.emit(kind);
    }
  };
  return { session, limit, stream, original: { respond, _write, _writev }, receive };
}

test("too many frames without traffic close the connection with ENHANCE_YOUR_CALM", () => {
  const { session, receive } = createHarness();
  receive(MAX / 2);
  receive(MAX / 2 - 1, "remoteSettings");
  expect(session.destroy).not.toHaveBeenCalled();
  receive(MAX);
  expect(session.destroy.mock.calls).toEqual([[constants.NGHTTP2_ENHANCE_YOUR_CALM]]);
});

test("HEADERS and DATA sent set the count back, and are sent", () => {
  const { session, stream, original, receive } = createHarness();
  const headers = { ":status": 200 };
  const chunk = Buffer.alloc(10);
  receive(MAX - 1);
  stream.respond(headers, {});
  receive(MAX - 1);
  stream._write(chunk, "buffer", expect.anything());
  receive(MAX - 1);
  stream._writev([{ chunk, encoding: "buffer" }], expect.anything());
  receive(MAX - 1);
  expect(session.destroy).not.toHaveBeenCalled();
  expect(original.respond.mock.calls).toEqual([[headers, {}]]);
  expect(original._write.mock.calls).toEqual([[chunk, "buffer", expect.anything()]]);
  expect(original._writev.mock.calls).toEqual([[[{ chunk, encoding: "buffer" }], expect.anything()]]);
});

test("each frame of a large response allows one more, also beyond a second", () => {
  const { session, limit, stream, receive } = createHarness();
  stream._write(Buffer.alloc(100 * 16 * 1024), "buffer", () => {});
  limit.reset();
  receive(100 + MAX - 1);
  expect(session.destroy).not.toHaveBeenCalled();
  receive(1);
  expect(session.destroy).toHaveBeenCalledOnce();
});

test("the count starts again every second", () => {
  const { session, limit, receive } = createHarness();
  for (let second = 0; second < 5; second += 1) {
    receive(MAX - 1);
    limit.reset();
  }
  expect(session.destroy).not.toHaveBeenCalled();
});
