import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { OrderStatusChangedSchema } from "../../../../gen/oms/events/v1/events_pb.ts";
import type { StatusChanged } from "../../../../src/domain/events.ts";
import { decodeEvent, encodeEvent, UndecodableEventError } from "../../../../src/messaging/nats/codec.ts";
import { eventOfEachKind, statusChanged } from "../../../support/events.ts";

test("every kind of event comes back as it went", () => {
  for (const event of eventOfEachKind(9_007_199_254_740_995n)) {
    const { subject, body } = encodeEvent(event);
    expect(decodeEvent(subject, body, event.traceparent)).toEqual(event);
  }
});

const asProtobufDoes = ({ type: _, traceparent: __, ...plain }: StatusChanged) =>
  toBinary(
    OrderStatusChangedSchema,
    create(OrderStatusChangedSchema, {
      ...plain,
      version: BigInt(plain.version),
      occurTime: timestampFromDate(plain.occurTime),
      recordTime: timestampFromDate(plain.recordTime),
    }),
  );

const extremes = [
  statusChanged({ orderId: 9_007_199_254_740_995n, toStatus: 1010 }),
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
    ...{ orderSource: 0, orderType: 0, caller: "", operator: "", requestId: "", remark: "" },
  }),
];

test.each(extremes)("a status change is written as protobuf writes it, and read back: $messageId", (change) => {
  const { subject, body } = encodeEvent(change);
  expect(Buffer.from(body).toString("hex")).toBe(Buffer.from(asProtobufDoes(change)).toString("hex"));
  expect(decodeEvent(subject, body, change.traceparent)).toEqual(change);
});

test("fields of a later contract are passed over", () => {
  const change = statusChanged({ orderId: 17n, toStatus: 1010 });
  const later = new BinaryWriter();
  later.tag(99, WireType.LengthDelimited).string("new").tag(100, WireType.Varint).int64(-1n);
  later.tag(101, WireType.Bit32).fixed32(7).tag(102, WireType.Bit64).fixed64(7n).raw(asProtobufDoes(change));
  expect(decodeEvent("oms.v1.order.status.1010", later.finish(), change.traceparent)).toEqual(change);
});

test("no part of a status change passes for a whole one", () => {
  const { subject, body } = encodeEvent(
    statusChanged({ orderId: 17n, toStatus: 1010, warehouseCount: 0, remark: "x" }),
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

test("each kind has its subjects and its type", () => {
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
  ]);
});

test("what makes no sense is said to make none", () => {
  const { subject, body } = encodeEvent(statusChanged({ orderId: 1n, toStatus: 1010 }));
  const senseless: [string, Uint8Array][] = [
    ["oms.v1.weather", body],
    [subject, Uint8Array.of(0xff, 0xff, 0xff)],
    [subject, body.subarray(0, body.length - 3)],
    [subject, new Uint8Array()],
    ["oms.v1.return.done", new Uint8Array()],
  ];
  for (const [where, what] of senseless) {
    expect(() => decodeEvent(where, what), where).toThrow(UndecodableEventError);
  }
});
