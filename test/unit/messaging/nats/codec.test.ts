import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import type { OrderEvent } from "../../../../src/domain/events.ts";
import { decodeEvent, encodeEvent, UndecodableEventError } from "../../../../src/messaging/nats/codec.ts";
import { eventOfEachKind, statusChanged } from "../../../support/events.ts";

test("every kind of event is decoded as it was encoded", () => {
  for (const event of eventOfEachKind(9_007_199_254_740_995n)) {
    const { subject, body } = encodeEvent(event);
    expect(decodeEvent(subject, body, event.traceparent)).toEqual(event);
  }
});

/** Bytes that other systems and rows of the outbox rely on. */
const GOLDEN =
  "0a12393030373139393235343734303939352d3110838080808080801018838080808080801020e80728aa1f30013a0608befb9ecd06" +
  "420c08dafdb7d8061080f6f2b60248e80750015a03776d7362056a6f6220376a03722d317802";

test("the bytes of a status change stay the same", () => {
  const change = statusChanged({
    orderId: 9_007_199_254_740_995n,
    toStatus: 4010,
    recordTime: new Date("2026-11-30T22:55:22.652Z"),
    authenticatedOperator: "",
  });
  const bytesOf = (event: OrderEvent) => Buffer.from(encodeEvent(event).body).toString("hex");
  expect(bytesOf(change)).toBe(GOLDEN);
  expect(bytesOf({ ...change, authenticatedOperator: "li.wei" })).toBe(`${GOLDEN}8201066c692e776569`);
});

const extremes = [
  statusChanged({
    orderId: 2n ** 63n - 1n,
    toStatus: 2_147_483_647,
    version: 2 ** 40,
    remark: "已出库 📦".repeat(60),
    requestId: "r".repeat(128),
    occurTime: new Date("2026-03-04T05:06:06.789Z"),
  }),
  statusChanged({ orderId: 1n, toStatus: -1, occurTime: new Date(0), recordTime: new Date(-1) }),
  statusChanged({
    ...{ orderId: 1n, rootParentId: 0n, fromStatus: 0, toStatus: 0, version: 0, warehouseCount: 0 },
    ...{ orderSource: 0, orderType: 0, caller: "", operator: "", authenticatedOperator: "", requestId: "", remark: "" },
  }),
];

test.each(extremes)("a status change with extreme values is decoded as it was encoded: $messageId", (change) => {
  const { subject, body } = encodeEvent(change);
  expect(decodeEvent(subject, body, change.traceparent)).toEqual(change);
});

test("fields of a later contract are ignored", () => {
  const change = statusChanged({ orderId: 17n, toStatus: 1010 });
  const later = new BinaryWriter();
  later.tag(99, WireType.LengthDelimited).string("new").tag(100, WireType.Varint).int64(-1n);
  later.tag(101, WireType.Bit32).fixed32(7).tag(102, WireType.Bit64).fixed64(7n).raw(encodeEvent(change).body);
  expect(decodeEvent("oms.v1.order.status.1010", later.finish(), change.traceparent)).toEqual(change);
});

test("a truncated status change is never decoded as a whole one", () => {
  const { subject, body } = encodeEvent(
    statusChanged({ orderId: 17n, toStatus: 1010, warehouseCount: 0, authenticatedOperator: "", remark: "x" }),
  );
  for (let length = 0; length < body.length - 3; length += 1) {
    try {
      // A part that ends where a field does is a change with less in it.
      expect(decodeEvent(subject, body.subarray(0, length))).toMatchObject({ orderId: 17n, remark: "" });
    } catch (error) {
      expect(error).toBeInstanceOf(UndecodableEventError);
    }
  }
});

test("each kind has its subject and its event type", () => {
  const named = eventOfEachKind(1n).map((event) => {
    const { subject, eventType } = encodeEvent(event);
    return [subject, eventType];
  });
  expect(named).toEqual([
    ["oms.v1.order.status.4010", "oms.events.v1.OrderStatusChanged"],
    ["oms.v1.order.pause.set", "oms.events.v1.OrderPauseChanged"],
    ["oms.v1.order.pause.cleared", "oms.events.v1.OrderPauseChanged"],
    ["oms.v1.order.invoice.printed", "oms.events.v1.InvoicePrinted"],
    ["oms.v1.order.delivery.changed", "oms.events.v1.DeliveryChanged"],
    ["oms.v1.order.shipped", "oms.events.v1.QuantitiesShipped"],
    ["oms.v1.return.done", "oms.events.v1.ReturnMarked"],
    ["oms.v1.return.requested", "oms.events.v1.ReturnRequested"],
    ["oms.v1.cancel.requested", "oms.events.v1.CancelProgressed"],
    ["oms.v1.cancel.refused", "oms.events.v1.CancelProgressed"],
    ["oms.v1.cancel.agreed", "oms.events.v1.CancelProgressed"],
    ["oms.v1.cancel.conflict", "oms.events.v1.CancelProgressed"],
  ]);
});

test("an undecodable body and an unknown subject are rejected", () => {
  const { subject, body } = encodeEvent(statusChanged({ orderId: 1n, toStatus: 1010 }));
  const invalid: [string, Uint8Array][] = [
    ["oms.v1.weather", body],
    [subject, Uint8Array.of(0xff, 0xff, 0xff)],
    [subject, body.subarray(0, body.length - 3)],
    [subject, new Uint8Array()],
    ["oms.v1.return.done", new Uint8Array()],
  ];
  for (const [where, what] of invalid) {
    expect(() => decodeEvent(where, what), where).toThrow(UndecodableEventError);
  }
});
