import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { useService } from "../../support/service.ts";
import { FRAME, openRawHttp2 } from "./raw-http2.ts";

vi.mock("../../../src/transport/limits.ts", async (original) => ({ ...(await original<object>()), BLOCK_MS: 1_500 }));

const harness = useService();

/** Violates the protocol often enough to be blocked. */
async function violateProtocol(localAddress: string): Promise<void> {
  for (let count = 0; count < 8; count += 1) {
    const raw = await openRawHttp2(harness.service.grpcPort, { localAddress });
    raw.send(FRAME.data, 0, 0, Buffer.from("of no stream"));
    await raw.closed;
  }
}

/** Whether a new connection gets a response. */
async function isAccepted(localAddress: string): Promise<boolean> {
  const socket = connect({ port: harness.service.httpPort, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
  return Promise.race([once(socket, "data").then(() => true), once(socket, "close").then(() => false)]).catch(
    () => false,
  );
}

test("an address that repeatedly violates the protocol is blocked for a while on both ports", async () => {
  await violateProtocol("127.0.2.1");
  expect(await isAccepted("127.0.2.1")).toBe(false);
  expect(await isAccepted("127.0.2.2")).toBe(true);
  await vi.waitFor(async () => expect(await isAccepted("127.0.2.1")).toBe(true), 5_000);
});

test("an address with an older connection is not blocked: it may be a load balancer", async () => {
  const socket = connect({ port: harness.service.httpPort, host: "127.0.0.1", localAddress: "127.0.2.3" });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  const startedAt = performance.now();
  await vi.waitFor(() => expect(performance.now() - startedAt).toBeGreaterThan(1_600), 5_000);
  await violateProtocol("127.0.2.3");
  expect(await isAccepted("127.0.2.3")).toBe(true);
});
