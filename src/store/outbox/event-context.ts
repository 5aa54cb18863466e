import type { EventContext } from "../../domain/events.ts";
import type { Cause } from "../commit/types.ts";

/** What an event contains of its order. */
interface EventSubject {
  readonly orderId: bigint;
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
}

/** The fields that all events have: the order, the time, and the cause. */
export function eventContext(
  { orderId, rootParentId, orderSource, orderType }: EventSubject,
  messageId: string,
  { caller, operator, traceparent }: Cause,
  recordTime: Date,
): EventContext {
  return { messageId, orderId, rootParentId, orderSource, orderType, recordTime, caller, operator, traceparent };
}
