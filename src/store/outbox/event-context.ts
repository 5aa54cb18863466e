import type { EventContext } from "../../domain/events.ts";
import type { Cause } from "../commit/types.ts";

/** What an event says of its order. */
interface EventSubject {
  readonly orderId: bigint;
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
}

/** What all events say: of which order, when, and who set it off. */
export function eventContext(
  { orderId, rootParentId, orderSource, orderType }: EventSubject,
  messageId: string,
  { caller, operator, traceparent }: Cause,
  recordTime: Date,
): EventContext {
  return { messageId, orderId, rootParentId, orderSource, orderType, recordTime, caller, operator, traceparent };
}
