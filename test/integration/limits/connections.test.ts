import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
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
  await eventually(() => expect(remaining()).toHaveLength(expected));
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
  await eventually(async () => {
    const again = await open(port(), "127.0.0.4");
    again.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await Promise.race(["data", "close"].map((event) => once(again, event)));
    expect(again.bytesRead).toBeGreaterThan(0);
  });
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
