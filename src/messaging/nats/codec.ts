import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  CancelProgressedSchema,
  DeliveryChangedSchema,
  type EventContext as EventContextMessage,
  EventContextSchema,
  InvoicePrintedSchema,
  OrderPauseChangedSchema,
  OrderStatusChangedSchema,
  QuantitiesShippedSchema,
  ReturnMarkedSchema,
  ReturnRequestedSchema,
} from "../../../gen/oms/events/v1/events_pb.ts";
import type { CancelStep, EventContext, OrderEvent } from "../../domain/events.ts";
import { readStatusChanged, writeStatusChanged } from "./status-changed-wire.ts";

/** An event in the form that travels. */
export interface EncodedEvent {
  /** For example "oms.v1.order.status.2010". */
  readonly subject: string;
  /** The full name of the body's message, for example "oms.events.v1.OrderStatusChanged". */
  readonly eventType: string;
  /** Protobuf binary. */
  readonly body: Uint8Array;
}

/** A body that is not what its type says. */
export class UndecodableEventError extends Error {
  override readonly name = "UndecodableEventError";
}

interface Kind<E extends OrderEvent> {
  readonly eventType: string;
  /** All its subjects; `*` stands for the last part. */
  readonly subjects: readonly string[];
  subject(event: E): string;
  encode(event: E): Uint8Array;
  decode(body: Uint8Array, traceparent: string): E;
}

type EventOf<T extends OrderEvent["type"]> = Extract<OrderEvent, { readonly type: T }>;

const KINDS: { readonly [T in OrderEvent["type"]]: Kind<EventOf<T>> } = {
  "status-changed": {
    eventType: OrderStatusChangedSchema.typeName,
    subjects: ["oms.v1.order.status.*"],
    subject: ({ toStatus }) => `oms.v1.order.status.${toStatus}`,
    encode: writeStatusChanged,
    decode: readStatusChanged,
  },
  "pause-changed": {
    eventType: OrderPauseChangedSchema.typeName,
    subjects: ["oms.v1.order.pause.*"],
    subject: ({ paused }) => `oms.v1.order.pause.${paused ? "set" : "cleared"}`,
    encode: (event) =>
      toBinary(
        OrderPauseChangedSchema,
        create(OrderPauseChangedSchema, {
          ...identity(event),
          paused: event.paused,
          reason: event.reason,
          orderStatus: event.status,
          warehouseCount: event.warehouseCount,
        }),
      ),
    decode(body, traceparent) {
      const { messageId, context, paused, reason, orderStatus, warehouseCount } = fromBinary(
        OrderPauseChangedSchema,
        body,
      );
      const identified = contextOf(messageId, context, traceparent);
      return { type: "pause-changed", ...identified, paused, reason, status: orderStatus, warehouseCount };
    },
  },
  "invoice-printed": {
    eventType: InvoicePrintedSchema.typeName,
    subjects: ["oms.v1.order.invoice.printed"],
    subject: () => "oms.v1.order.invoice.printed",
    encode: (event) =>
      toBinary(InvoicePrintedSchema, create(InvoicePrintedSchema, { ...identity(event), sendEmail: event.sendEmail })),
    decode(body, traceparent) {
      const { messageId, context, sendEmail } = fromBinary(InvoicePrintedSchema, body);
      return { type: "invoice-printed", ...contextOf(messageId, context, traceparent), sendEmail };
    },
  },
  "delivery-changed": {
    eventType: DeliveryChangedSchema.typeName,
    subjects: ["oms.v1.order.delivery.changed"],
    subject: () => "oms.v1.order.delivery.changed",
    encode: (event) =>
      toBinary(
        DeliveryChangedSchema,
        create(DeliveryChangedSchema, {
          ...identity(event),
          deliveryId: event.deliveryId,
          deliveryCompany: event.deliveryCompany,
          waybillNo: event.waybillNo,
        }),
      ),
    decode(body, traceparent) {
      const { messageId, context, deliveryId, deliveryCompany, waybillNo } = fromBinary(DeliveryChangedSchema, body);
      return {
        type: "delivery-changed",
        ...contextOf(messageId, context, traceparent),
        deliveryId,
        deliveryCompany,
        waybillNo,
      };
    },
  },
  "quantities-shipped": {
    eventType: QuantitiesShippedSchema.typeName,
    subjects: ["oms.v1.order.shipped"],
    subject: () => "oms.v1.order.shipped",
    encode: (event) =>
      toBinary(
        QuantitiesShippedSchema,
        create(QuantitiesShippedSchema, { ...identity(event), lines: event.lines.map((line) => ({ ...line })) }),
      ),
    decode(body, traceparent) {
      const { messageId, context, lines } = fromBinary(QuantitiesShippedSchema, body);
      return {
        type: "quantities-shipped",
        ...contextOf(messageId, context, traceparent),
        lines: lines.map(({ skuId, quantity }) => ({ skuId, quantity })),
      };
    },
  },
  "return-marked": {
    eventType: ReturnMarkedSchema.typeName,
    subjects: ["oms.v1.return.done"],
    subject: () => "oms.v1.return.done",
    encode: (event) => toBinary(ReturnMarkedSchema, create(ReturnMarkedSchema, identity(event))),
    decode(body, traceparent) {
      const { messageId, context } = fromBinary(ReturnMarkedSchema, body);
      return { type: "return-marked", ...contextOf(messageId, context, traceparent) };
    },
  },
  "return-requested": {
    eventType: ReturnRequestedSchema.typeName,
    subjects: ["oms.v1.return.requested"],
    subject: () => "oms.v1.return.requested",
    encode: (event) =>
      toBinary(
        ReturnRequestedSchema,
        create(ReturnRequestedSchema, {
          ...identity(event),
          returnId: event.returnId,
          lines: event.lines.map((line) => ({ ...line })),
          reason: event.reason,
        }),
      ),
    decode(body, traceparent) {
      const { messageId, context, returnId, lines, reason } = fromBinary(ReturnRequestedSchema, body);
      return {
        type: "return-requested",
        ...contextOf(messageId, context, traceparent),
        returnId,
        lines: lines.map(({ skuId, quantity }) => ({ skuId, quantity })),
        reason,
      };
    },
  },
  "cancel-progressed": {
    eventType: CancelProgressedSchema.typeName,
    subjects: ["oms.v1.cancel.*"],
    subject: ({ step }) => `oms.v1.cancel.${step}`,
    encode: (event) =>
      toBinary(
        CancelProgressedSchema,
        create(CancelProgressedSchema, {
          ...identity(event),
          cancelId: event.cancelId,
          step: event.step,
          reason: event.reason,
          asksWms: event.answerUntil !== undefined,
          ...(event.answerUntil === undefined ? {} : { answerUntil: timestampFromDate(event.answerUntil) }),
        }),
      ),
    decode(body, traceparent) {
      const { messageId, context, cancelId, step, reason, answerUntil } = fromBinary(CancelProgressedSchema, body);
      return {
        type: "cancel-progressed",
        ...contextOf(messageId, context, traceparent),
        cancelId,
        step: stepOf(step),
        reason,
        answerUntil: answerUntil && timestampDate(answerUntil),
      };
    },
  },
};

const kindBySubject: ReadonlyMap<string, Kind<OrderEvent>> = new Map(
  Object.values(KINDS).flatMap((kind) =>
    kind.subjects.map((subject) => [subject, kind as unknown as Kind<OrderEvent>]),
  ),
);

/** Puts an event into the form that travels. */
export function encodeEvent(event: OrderEvent): EncodedEvent {
  const kind = KINDS[event.type] as unknown as Kind<OrderEvent>;
  return { subject: kind.subject(event), eventType: kind.eventType, body: kind.encode(event) };
}

/**
 * Reads a body back; its subject says what it is.
 *
 * @throws UndecodableEventError
 */
export function decodeEvent(subject: string, body: Uint8Array, traceparent = ""): OrderEvent {
  const kind = kindBySubject.get(subject) ?? kindBySubject.get(`${subject.slice(0, subject.lastIndexOf("."))}.*`);
  if (kind === undefined) {
    throw new UndecodableEventError(`${subject} is not a subject of events that this server knows`);
  }
  let event: OrderEvent;
  try {
    event = kind.decode(body, traceparent);
  } catch (error) {
    throw new UndecodableEventError(`the body is not a ${kind.eventType}`, { cause: error });
  }
  if (event.messageId === "" || event.orderId <= 0n) {
    throw new UndecodableEventError(`the ${kind.eventType} names no order`);
  }
  return event;
}

function identity(event: EventContext) {
  const { messageId, orderId, rootParentId, orderSource, orderType, caller, operator } = event;
  const recordTime = timestampFromDate(event.recordTime);
  return {
    messageId,
    context: create(EventContextSchema, {
      orderId,
      rootParentId,
      orderSource,
      orderType,
      caller,
      operator,
      recordTime,
    }),
  };
}

function contextOf(messageId: string, context: EventContextMessage | undefined, traceparent: string): EventContext {
  if (context === undefined) {
    throw new UndecodableEventError("the body says nothing of its order");
  }
  const { orderId, rootParentId, orderSource, orderType, caller, operator } = context;
  return {
    messageId,
    orderId,
    rootParentId,
    orderSource,
    orderType,
    recordTime: dateOf(context.recordTime),
    caller,
    operator,
    traceparent,
  };
}

function stepOf(step: string): CancelStep {
  const known = (["requested", "agreed", "refused", "done"] as const).find((name) => name === step);
  if (known === undefined) {
    throw new UndecodableEventError(`${JSON.stringify(step)} is no step of a cancel`);
  }
  return known;
}

function dateOf(timestamp: Timestamp | undefined): Date {
  if (timestamp === undefined) {
    throw new UndecodableEventError("the body lacks a time");
  }
  return timestampDate(timestamp);
}
