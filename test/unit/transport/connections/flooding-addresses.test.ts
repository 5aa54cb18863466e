import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { isFloodingAddress, onFlood } from "../../../../src/transport/connections/flooding-addresses.ts";
import { createListener } from "../../../../src/transport/connections/listener.ts";
import { FLOOD_DELAY_MS } from "../../../../src/transport/limits.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("an address floods until its delay has passed since the last flood", () => {
  onFlood("203.0.113.1");
  onFlood("::ffff:203.0.113.2");
  vi.advanceTimersByTime(FLOOD_DELAY_MS / 2);
  onFlood("203.0.113.1");
  expect(["203.0.113.1", "203.0.113.2", "203.0.113.3"].map(isFloodingAddress)).toEqual([true, true, false]);
  vi.advanceTimersByTime(FLOOD_DELAY_MS / 2);
  expect(["203.0.113.1", "203.0.113.2"].map(isFloodingAddress)).toEqual([true, false]);
  vi.advanceTimersByTime(FLOOD_DELAY_MS / 2);
  expect(isFloodingAddress("203.0.113.1")).toBe(false);
});

test("its connections are served later, with all that they have sent; those of others at once", async () => {
  vi.useRealTimers();
  const served: string[] = [];
  const server = createServer((socket) => {
    served.push(String(socket.remoteAddress));
    socket.on("data", (data) => socket.end(data));
  });
  const listener = createListener(server, { max: 10, onRejected() {} });
  const port = await listener.listen("127.0.0.1", 0);
  onTestFinished(() => listener.destroy());
  const open = (localAddress: string) => connect({ port, host: "127.0.0.1", localAddress });
  onFlood("127.0.9.1");
  const delayed = open("127.0.9.1");
  delayed.write("sent before it is served");
  const echoed = once(delayed, "data");
  const gone = open("127.0.9.1");
  await once(gone, "connect");
  gone.destroy();
  const other = open("127.0.9.2");
  other.write("x");
  await once(other, "data");
  expect(served).toEqual(["127.0.9.2"]);
  const [data] = await echoed;
  expect(String(data)).toBe("sent before it is served");
  expect(served).toEqual(["127.0.9.2", "127.0.9.1"]);
});
