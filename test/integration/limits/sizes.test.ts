import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TransportName } from "../../support/clients.ts";
import { useService } from "../../support/service.ts";

const harness = useService();
const errorOf = (call: Promise<unknown>) => call.then(() => undefined, ConnectError.from);
const TRANSPORTS: TransportName[] = ["gRPC", "Connect JSON", "gRPC-Web"];

describe.each(TRANSPORTS)("over %s", (transport) => {
  test("a batch of more than 1,000 is INVALID_ARGUMENT", async () => {
    const orderIds = Array.from({ length: 1_001 }, (_, index) => BigInt(index + 1));
    const error = await errorOf(harness.client(transport).batchGetOrderStatus({ orderIds }));
    expect(error?.code).toBe(Code.InvalidArgument);
    expect(error?.rawMessage).toContain("must contain no more than 1000 item(s), was 1001 items");
  });

  test("a request of more than 4 MiB is RESOURCE_EXHAUSTED", async () => {
    const operator = "x".repeat(4 * 1024 * 1024);
    const error = await errorOf(harness.client(transport).pauseForCancel({ orderId: 1n, operator }));
    expect(error?.code).toBe(Code.ResourceExhausted);
  });
});

test("a legacy endpoint accepts half a MiB", async () => {
  const url = `http://127.0.0.1:${harness.service.httpPort}/services/orderStatus/getOrderStatus`;
  const body = new URLSearchParams({ orderId: "1", more: "x".repeat(512 * 1024) });
  const response = await fetch(url, { method: "POST", body });
  expect(await response.text()).toContain("the body must have at most 524288 bytes");
});

test.each([
  ["one of 17 KB", [`x: ${"y".repeat(17_000)}`]],
  ["3,000 short ones", Array.from({ length: 3_000 }, (_, index) => `x${index}: y`)],
])("headers over HTTP/1.1: %s are 431", async (_name, lines) => {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(["GET /healthz HTTP/1.1", "host: localhost", ...lines, "", ""].join("\r\n"));
  expect(await text(socket)).toMatch(/^HTTP\/1.1 431/);
});
