import { expect, test } from "vitest";
import { decodeEvent, encodeEvent, UndecodableEventError } from "../../src/stream/codec.ts";
import { eventOfEachKind, statusChanged } from "./events.ts";

test("every kind of event comes back as it went", () => {
  for (const event of eventOfEachKind(9_007_199_254_740_995n)) {
    const { subject, body } = encodeEvent(event);
    expect(decodeEvent(subject, body, event.traceparent)).toEqual(event);
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
