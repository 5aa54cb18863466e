import { decide } from "../../domain/decide.ts";
import type { Cause } from "../../domain/events.ts";
import type { Order } from "../../domain/order.ts";
import { withState } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import { applyTransition, creationEvent } from "../../domain/status-report.ts";
import { commitChange, unchanged } from "../../store/commit/commit-change.ts";
import { nextId } from "../../store/mysql/ids.ts";
import { type OrderLine, readLines } from "../../store/orders/order-lines.ts";
import { lockOrder } from "../../store/orders/order-row.ts";
import { insertOrders, markParent, type NewOrder, writeTransition } from "../../store/orders/write-orders.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

export type SplitResult =
  | { readonly kind: "split"; readonly childOrderIds: readonly bigint[] }
  /** Nothing was changed: the order is paused, or not in APPROVED. */
  | { readonly kind: "skipped"; readonly reason: string };

/**
 * Splits an order by its warehouses: the child orders, each in APPROVED, and the parent's SPLIT are
 * one commit. Repeated calls split once, as SPLIT is reached from APPROVED only, under the order's
 * lock.
 */
export function splitOrder(
  { changes, kinds }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<SplitResult> {
  const cause = causeOf(context, operator);
  return commitChange<SplitResult>(changes, async (trx, now) => {
    const parent = await lockOrder(trx, orderId, kinds, context.orderScope);
    if (parent === undefined) {
      return unchanged({ kind: "skipped", reason: "there is no such order" });
    }
    const report = { status: Status.SPLIT, by: "report", requestId: "", remark: "", cause } as const;
    const decision = decide(parent, report);
    if (decision.outcome !== "applied") {
      const reason = decision.outcome === "refused" ? decision.message : "the order is split already";
      return unchanged({ kind: "skipped", reason });
    }
    const lines = await readLines(trx, orderId);
    const byWarehouse = Map.groupBy(lines, ({ warehouseId }) => warehouseId);
    const children = [...byWarehouse.values()].map((ownLines) => childOf(parent, ownLines, cause, now));
    await insertOrders(trx, children, now);
    await markParent(trx, orderId, now);
    const transition = applyTransition(parent, report, now);
    await writeTransition(trx, transition, now);
    return {
      result: { kind: "split", childOrderIds: children.map(({ order }) => order.orderId) },
      events: [transition.event, ...children.map(({ event }) => event)],
    };
  });
}

/** An order for the goods of one warehouse, in its parent's state. */
function childOf(parent: Order, lines: readonly OrderLine[], cause: Cause, now: Date): NewOrder {
  const order: Order = {
    ...parent,
    orderId: nextId(),
    rootParentId: parent.rootParentId === 0n ? parent.orderId : parent.rootParentId,
    warehouseCount: 1,
    version: 1,
    passed: [Status.CREATED, Status.PAID, Status.APPROVED].reduce(withState, 0),
    statusTime: now,
    isParent: false,
  };
  const event = creationEvent(order, { cause, requestId: "", remark: `split from order ${parent.orderId}` }, now);
  return { order, parentId: parent.orderId, rechargeAccount: "", lines, event };
}
