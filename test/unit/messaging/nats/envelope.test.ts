import { expect, test } from "vitest";
import { type EventMessage, headersOf } from "../../../../src/messaging/nats/envelope.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const message: EventMessage = {
  messageId: "17-3",
  orderId: 17n,
  subject: "oms.v1.order.status.1010",
  eventType: "oms.events.v1.OrderStatusChanged",
  body: new Uint8Array(),
  recordTime: new Date("2026-03-04T05:06:06.789Z"),
  traceparent: TRACE,
};

const FIXED = {
  "Nats-Msg-Id": "17-3",
  "ce-specversion": "1.0",
  "ce-id": "17-3",
  "ce-type": "oms.events.v1.OrderStatusChanged",
  "ce-source": "/oms/order-status",
  "ce-time": "2026-03-04T05:06:06.789Z",
  "content-type": "application/protobuf",
};

function headerRecord(of: EventMessage): Record<string, string> {
  const headers = headersOf(of);
  return Object.fromEntries(headers.keys().map((name) => [name, headers.get(name)]));
}

test("the headers are those of the CloudEvents binding, and the trace", () => {
  expect(headerRecord(message)).toEqual({ ...FIXED, traceparent: TRACE });
});

test("without a trace there is no traceparent", () => {
  expect(headerRecord({ ...message, traceparent: "" })).toEqual(FIXED);
});

test.each(["00-1\r\nNats-Msg-Id: 18-1", "00-1\n", "00-1\r", "00-1\0", "路径", "é"])(
  "a trace that cannot be a header is left out: %j",
  (traceparent) => {
    expect(headerRecord({ ...message, traceparent })).toEqual(FIXED);
  },
);
