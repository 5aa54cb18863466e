import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { useService } from "../../support/service.ts";

const harness = useService({ OMS_MAX_CONNECTIONS: "20" });

async function open(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => {}).resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Opens connections, and returns those that stay open. */
async function openMany(port: number, address: string, count: number, expected: number): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(port, address)));
  const remaining = () => sockets.filter(({ closed }) => !closed);
  await vi.waitFor(() => expect(remaining()).toHaveLength(expected), 5_000);
  return remaining();
}

test.each([
  ["grpc", () => harness.service.grpcPort],
  ["http", () => harness.service.httpPort],
])("the %s port: at most half of the connections for one address, and the maximum in all", async (name, port) => {
  const first = await openMany(port(), "127.0.0.2", 15, 10);
  await openMany(port(), "127.0.0.3", 10, 10);
  await openMany(port(), "127.0.0.4", 2, 0);
  for (const socket of first) {
    socket.destroy();
  }
  // Once the server has noticed the closed ones, connections are accepted again.
  await vi.waitFor(async () => {
    const [again] = await openMany(port(), "127.0.0.4", 1, 1);
    expect(again).toBeDefined();
  }, 10_000);
  const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
  expect(text).toContain(`oms_connections_refused_total{port="${name}",reason="address"} 5`);
  for (const [reason, address] of [
    ["address", "127.0.0.2"],
    ["all", expect.stringMatching(/^127\.0\.0\.[34]$/)],
  ]) {
    const line = { level: "warn", msg: "connection rejected", port: name, reason, address };
    expect(harness.service.log).toContainEqual(expect.objectContaining(line));
  }
  expect(text).toMatch(new RegExp(`oms_connections_refused_total\\{port="${name}",reason="all"\\} [1-9]`));
});
