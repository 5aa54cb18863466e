import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { useService } from "../../support/service.ts";
import { FRAME, openRawHttp2 } from "./raw-http2.ts";

vi.mock("../../../src/transport/limits.ts", async (original) => ({ ...(await original<object>()), BLOCK_MS: 1_500 }));

const harness = useService();

/** Breaks the protocol so often that each time the connection is ended. */
async function offend(localAddress: string): Promise<void> {
  for (let count = 0; count < 8; count += 1) {
    const raw = await openRawHttp2(harness.service.grpcPort, { localAddress });
    raw.send(FRAME.data, 0, 0, Buffer.from("of no stream"));
    await raw.closed;
  }
}

/** Whether a new connection is let in: it is answered, or closed. */
async function isLetIn(localAddress: string): Promise<boolean> {
  const socket = connect({ port: harness.service.httpPort, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
  return Promise.race([once(socket, "data").then(() => true), once(socket, "close").then(() => false)]).catch(
    () => false,
  );
}

test("an address that breaks the protocol time and again is left outside for a while, on both ports, and nobody else is", async () => {
  await offend("127.0.2.1");
  expect(await isLetIn("127.0.2.1")).toBe(false);
  expect(await isLetIn("127.0.2.2")).toBe(true);
  await vi.waitFor(async () => expect(await isLetIn("127.0.2.1")).toBe(true), 5_000);
});

test("where a connection has been there for a while, new ones are let in: there may be many callers behind the address", async () => {
  const socket = connect({ port: harness.service.httpPort, host: "127.0.0.1", localAddress: "127.0.2.3" });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  const began = performance.now();
  await vi.waitFor(() => expect(performance.now() - began).toBeGreaterThan(1_600), 5_000);
  await offend("127.0.2.3");
  expect(await isLetIn("127.0.2.3")).toBe(true);
});
