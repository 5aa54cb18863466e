import { headers, type MsgHdrs } from "nats";

/** A message for the stream: a row of the outbox, or what an Action tells a marketplace. */
export interface EventMessage {
  /** The broker drops repeats of it. */
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

/** The events' `ce-source`. */
const SOURCE = "/oms/order-status";

/** The broker dedupes by it. */
export const MESSAGE_ID_HEADER = "Nats-Msg-Id";

/** When the event was committed. */
export const TIME_HEADER = "ce-time";

/** The headers of the CloudEvents NATS binding, binary mode. */
export function headersOf(message: EventMessage): MsgHdrs {
  const all = headers();
  all.append(MESSAGE_ID_HEADER, message.messageId);
  all.append("ce-specversion", "1.0");
  all.append("ce-id", message.messageId);
  all.append("ce-type", message.eventType);
  all.append("ce-source", SOURCE);
  all.append(TIME_HEADER, message.recordTime.toISOString());
  all.append("content-type", "application/protobuf");
  if (message.traceparent !== "") {
    all.append("traceparent", message.traceparent);
  }
  return all;
}
