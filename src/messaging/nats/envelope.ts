import { headers, type MsgHdrs } from "nats";

/** A message for the stream: an outbox row, or a marketplace notification. */
export interface EventMessage {
  /** The broker drops a repeat of it. */
  readonly messageId: string;
  /** Messages of one order are published in their order. */
  readonly orderId: bigint;
  readonly subject: string;
  /** The full name of the body's message. */
  readonly eventType: string;
  /** Protobuf binary. */
  readonly body: Uint8Array;
  readonly recordTime: Date;
  /** The W3C trace; "" for none. */
  readonly traceparent: string;
}

/** The `ce-source` of all events. */
const SOURCE = "/oms/order-status";

/** The broker deduplicates by it. */
export const MESSAGE_ID_HEADER = "Nats-Msg-Id";

/** When the event was committed. */
export const TIME_HEADER = "ce-time";

/** Values that a header can have. */
const PRINTABLE = /^[\x20-\x7e]+$/;

/**
 * The headers of the CloudEvents NATS binding, binary mode. A trace that cannot be a header is left
 * out.
 */
export function headersOf({ messageId, eventType, recordTime, traceparent }: EventMessage): MsgHdrs {
  const result = headers();
  result.append(MESSAGE_ID_HEADER, messageId);
  result.append("ce-specversion", "1.0");
  result.append("ce-id", messageId);
  result.append("ce-type", eventType);
  result.append("ce-source", SOURCE);
  result.append(TIME_HEADER, recordTime.toISOString());
  result.append("content-type", "application/protobuf");
  if (PRINTABLE.test(traceparent)) {
    result.append("traceparent", traceparent);
  }
  return result;
}
