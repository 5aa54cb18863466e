import { decide } from "../../domain/decide.ts";
import type { Cause } from "../../domain/events.ts";
import type { Order } from "../../domain/order.ts";
import { withState } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import { applyTransition, creationEvent } from "../../domain/status-report.ts";
import { nextId } from "../../store/mysql/ids.ts";
import type { NewOrder } from "../../store/orders/insert-orders.ts";
import { type OrderLine, orderLines } from "../../store/orders/order-lines.ts";
import { markParent } from "../../store/orders/write-orders.ts";
import { commitChange, unchanged } from "../commit-change.ts";
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
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<SplitResult> {
  const { db } = deps;
  const cause = causeOf(context, operator);
  return commitChange<SplitResult, { readonly lines: readonly OrderLine[] }>(
    deps,
    {
      orderId,
      cause,
      requestId: "",
      content: [],
      reads: { lines: orderLines(db, orderId) },
      decide({ order: parent, reads: { lines }, now }) {
        if (parent === undefined) {
          return unchanged({ kind: "skipped", reason: "there is no such order" });
        }
        const report = { status: Status.SPLIT, by: "report", requestId: "", remark: "", cause } as const;
        const decision = decide(parent, report);
        if (decision.outcome !== "applied") {
          const reason = decision.outcome === "refused" ? decision.message : "the order is split already";
          return unchanged({ kind: "skipped", reason });
        }
        const byWarehouse = Map.groupBy(lines, ({ warehouseId }) => warehouseId);
        const created = [...byWarehouse.values()].map((ownLines) => childOf(parent, ownLines, cause, now));
        const { after, event } = applyTransition(parent, report, now);
        return {
          result: { kind: "split", childOrderIds: created.map(({ order }) => order.orderId) },
          events: [event, ...created.map((child) => child.event)],
          after: { ...after, isParent: true },
          created,
          statements: [markParent(db, orderId, now)],
        };
      },
    },
    context,
  );
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
  return { order, parentId: parent.orderId, rechargeAccount: "", lines, invoice: undefined, event };
}
