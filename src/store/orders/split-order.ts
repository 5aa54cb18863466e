import { decide } from "../../domain/decide.ts";
import { type StatusChanged, statusMessageId } from "../../domain/events.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { withState } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Cause } from "../commit/types.ts";
import { nextId } from "../mysql/ids.ts";
import { eventContext } from "../outbox/event-context.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { type NewOrder, type OrderLine, writeNewOrders } from "./new-orders.ts";
import { type Order, toOrder } from "./order-row.ts";
import { applyTransition } from "./transition.ts";
import type { ChangeDeps } from "./types.ts";
import { writeTransition } from "./write-transition.ts";

export type SplitResult =
  | { readonly kind: "split"; readonly childOrderIds: readonly bigint[] }
  /** Nothing was done: the order is paused, or is not at APPROVED. */
  | { readonly kind: "not-now"; readonly why: string };

/**
 * Splits an order by its warehouses: the child orders, each APPROVED, and the parent's SPLIT are one commit. However often it is
 * asked for, it is done once, as it begins at APPROVED alone and the order's row is locked.
 */
export function splitOrder(
  deps: ChangeDeps,
  kinds: OrderKinds,
  { orderId, cause }: { readonly orderId: bigint; readonly cause: Cause },
): Promise<SplitResult> {
  return commitChange<SplitResult>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    if (row === undefined) {
      return unchanged({ kind: "not-now", why: "there is no such order" });
    }
    const parent = toOrder(row, kinds);
    const report = { status: Status.SPLIT, by: "report", requestId: "", remark: "", cause } as const;
    const decision = decide(parent, report);
    if (decision.outcome !== "applied") {
      const why = decision.outcome === "refused" ? decision.why : "the order is split already";
      return unchanged({ kind: "not-now", why });
    }
    const lines = await trx
      .selectFrom("oms_db.oms_order_line")
      .select(["sku_id", "warehouse_id", "quantity"])
      .where("order_id", "=", orderId)
      .orderBy("warehouse_id")
      .orderBy("sku_id")
      .execute();
    const byWarehouse = Map.groupBy(
      lines.map(({ sku_id, warehouse_id, quantity }) => ({ skuId: sku_id, warehouseId: warehouse_id, quantity })),
      ({ warehouseId }) => warehouseId,
    );
    const children = [...byWarehouse.values()].map((own) => childOf(parent, own, cause, now));
    await writeNewOrders(trx, children, now);
    await trx
      .updateTable("oms_db.oms_order_main")
      .set({ is_parent: 1, update_date: now })
      .where("order_id", "=", orderId)
      .execute();
    const move = applyTransition(parent, report, now);
    await writeTransition(trx, move, now);
    return {
      result: { kind: "split", childOrderIds: children.map(({ order }) => order.orderId) },
      events: [move.event, ...children.map(({ event }) => event)],
    };
  });
}

/** An order for the goods of one warehouse, which goes on from where its parent was. */
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
  const event: StatusChanged = {
    type: "status-changed",
    ...eventContext(order, statusMessageId(order.orderId, order.version), cause, now),
    fromStatus: 0,
    toStatus: order.status,
    version: order.version,
    occurTime: now,
    requestId: "",
    remark: `split from order ${parent.orderId}`,
    warehouseCount: order.warehouseCount,
  };
  return { order, parentId: parent.orderId, paid: true, rechargeAccount: "", lines, event };
}
