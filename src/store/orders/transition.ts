import { advance, type Report } from "../../domain/decide.ts";
import { type StatusChanged, statusMessageId } from "../../domain/events.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Cause } from "../commit/types.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Order } from "./order-row.ts";

/** A report that was decided to be applied. */
export interface TransitionReport extends Report {
  readonly requestId: string;
  readonly remark: string;
  readonly cause: Cause;
}

/** An order before and after a report, and what others hear of it. */
export interface AppliedTransition {
  readonly after: Order;
  readonly event: StatusChanged;
}

/** What an applied report makes of an order; the one place that says what a state does to the old columns. */
export function applyTransition(order: Order, report: TransitionReport, now: Date): AppliedTransition {
  const { status, requestId, remark, cause } = report;
  const after: Order = {
    ...order,
    ...advance(order, report, now),
    isFinish: finishFlag(status) ?? order.isFinish,
  };
  return {
    after,
    event: {
      type: "status-changed",
      ...eventContext(order, statusMessageId(order.orderId, after.version), cause, now),
      fromStatus: order.status,
      toStatus: status,
      version: after.version,
      occurTime: report.occurTime ?? now,
      requestId,
      remark,
      warehouseCount: order.warehouseCount,
    },
  };
}

/** What a state does to the old column is_finish, kept for old readers; undefined for nothing. */
function finishFlag(status: Status): boolean | undefined {
  if (status === Status.WMS_DISPATCHED || status === Status.CANCELLED) {
    return true;
  }
  const toldByWms = status >= Status.WMS_ACCEPTED && status <= Status.HANDED_OVER;
  return toldByWms ? false : undefined;
}
