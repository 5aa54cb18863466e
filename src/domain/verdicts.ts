import { expires, type OrderKinds } from "./order-kinds.ts";
import { Status } from "./state-machine.ts";

/** A verdict with the legacy system's Chinese answer, which legacy callers compare. */
export interface Verdict<Code extends string> {
  readonly verdict: Code;
  readonly message: string;
}

/** What the verdicts of legacy operations 1 to 3 depend on. */
export interface VerdictFacts {
  readonly status: number;
  readonly isParent: boolean;
  /**
   * The legacy column, not the state machine's answer: set from dispatch to the first WMS report,
   * and when cancelled.
   */
  readonly isFinish: boolean;
}

export type CancelVerdict = "PAUSE_FAILED" | "SPLIT_PARENT" | "BEFORE_ERP_ALLOCATION" | "ALREADY_CANCELLED" | "ASK_WMS";

/**
 * Legacy operation 1 (cancelOrder): the first rule that holds. `order` is undefined where there is
 * no such order.
 */
export function cancelVerdict(order: VerdictFacts | undefined): Verdict<CancelVerdict> {
  if (order === undefined) {
    return { verdict: "PAUSE_FAILED", message: PAUSE_FAILED };
  }
  if (order.isParent || order.status === Status.SPLIT) {
    return { verdict: "SPLIT_PARENT", message: "不能取消" };
  }
  if (order.status < Status.ERP_ALLOCATED) {
    return { verdict: "BEFORE_ERP_ALLOCATION", message: "占用erp前可取消" };
  }
  if (order.status === Status.CANCELLED) {
    return { verdict: "ALREADY_CANCELLED", message: "已经是取消状态可以取消" };
  }
  return { verdict: "ASK_WMS", message: "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消" };
}

export type RejectionVerdict = "PAUSE_FAILED" | "FINISHED" | "REJECTABLE";

/** Legacy operation 2 (rejectOrder). `order` is undefined where there is no such order. */
export function rejectionVerdict(order: VerdictFacts | undefined): Verdict<RejectionVerdict> {
  if (order === undefined) {
    return { verdict: "PAUSE_FAILED", message: PAUSE_FAILED };
  }
  return order.isFinish
    ? { verdict: "FINISHED", message: "完成状态，不能拒收，只能退货" }
    : { verdict: "REJECTABLE", message: "订单可以拒收" };
}

export type ReturnVerdict = "CANCELLED" | "NOT_HANDED_OVER" | "MARKED";

/** Legacy operation 3 (returnOrder). */
export function returnVerdict(order: VerdictFacts): Verdict<ReturnVerdict> {
  if (order.status === Status.CANCELLED) {
    return { verdict: "CANCELLED", message: "订单已经取消" };
  }
  return order.status < Status.HANDED_OVER
    ? { verdict: "NOT_HANDED_OVER", message: "订单未交接出库不允许取消" }
    : { verdict: "MARKED", message: "更新退货标识成功" };
}

/** The answers of legacy operation 4. */
export const PAUSE_SUCCEEDED = "暂停订单成功";
export const PAUSE_FAILED = "暂停订单失败";

export type NotPayableReason = "EXPIRED" | "CANCEL_REQUESTED";

/**
 * Legacy operation 9 (getPayCheckOrder): undefined where the order can be paid. `timeoutMs` counts
 * from its creation.
 */
export function notPayableReason(
  kinds: OrderKinds,
  order: { readonly orderSource: number; readonly createTime: Date; readonly cancelRequested: boolean },
  now: Date,
  timeoutMs: number,
): NotPayableReason | undefined {
  if (expires(kinds, order) && now.getTime() - order.createTime.getTime() >= timeoutMs) {
    return "EXPIRED";
  }
  return order.cancelRequested ? "CANCEL_REQUESTED" : undefined;
}
