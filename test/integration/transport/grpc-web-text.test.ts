/** A watch as Google's gRPC-Web client opens it, in base64. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  WatchOrderStatusRequestSchema,
  WatchOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { grpcMessage } from "../../../tools/testkit/raw-http2.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService();

const PREFIX_BYTES = 5;
const TRAILERS_FLAG = 0x80;

/** The frames of a body in base64, each when it has arrived: whole groups of digits are decoded. */
async function* framesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ flags: number; content: Buffer }> {
  let digits = "";
  let bytes = Buffer.alloc(0);
  for await (const chunk of body) {
    digits += Buffer.from(chunk).toString("latin1");
    const whole = digits.length - (digits.length % 4);
    const groups = digits.slice(0, whole).match(/.{4}/g) ?? [];
    digits = digits.slice(whole);
    bytes = Buffer.concat([bytes, ...groups.map((group) => Buffer.from(group, "base64"))]);
    while (bytes.length >= PREFIX_BYTES && bytes.length >= PREFIX_BYTES + bytes.readUInt32BE(1)) {
      const end = PREFIX_BYTES + bytes.readUInt32BE(1);
      yield { flags: bytes[0] as number, content: bytes.subarray(PREFIX_BYTES, end) };
      bytes = bytes.subarray(end);
    }
  }
}

/** Opens a watch in base64. */
async function watch(orderIds: bigint[]) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const request = toBinary(WatchOrderStatusRequestSchema, create(WatchOrderStatusRequestSchema, { orderIds }));
  const response = await fetch(
    `http://127.0.0.1:${harness.service.httpPort}/oms.orderstatus.v1.OrderStatusService/WatchOrderStatus`,
    {
      method: "POST",
      headers: { "content-type": "application/grpc-web-text", accept: "application/grpc-web-text", "x-grpc-web": "1" },
      body: grpcMessage(request).toString("base64"),
      signal: stop.signal,
    },
  );
  return { response, frames: framesOf(response.body as AsyncIterable<Uint8Array>) };
}

test("a watch receives each change while it is open", async () => {
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const { response, frames } = await watch([orderId]);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/grpc-web-text"]);
  const next = async () => {
    const { value } = await frames.next();
    return fromBinary(WatchOrderStatusResponseSchema, (value as { content: Buffer }).content).update;
  };
  expect(await next()).toMatchObject({ case: "snapshot", value: { orderId, orderStatus: OrderStatus.CREATED } });
  for (const status of [OrderStatus.PAID, OrderStatus.APPROVED]) {
    await harness.client("gRPC").updateOrderStatus({ orderId, status, operator: "x" });
    expect(await next()).toMatchObject({ case: "change", value: { orderId, toStatus: status } });
  }
});

test("a rejected watch ends with its error in the trailers", async () => {
  const { frames } = await watch([]);
  const { value } = await frames.next();
  expect(value?.flags).toBe(TRAILERS_FLAG);
  expect(value?.content.toString()).toMatch(/^grpc-status: 3\r\n/m);
  expect(value?.content.toString()).toContain("order_ids");
});
