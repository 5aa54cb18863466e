import { randomUUID } from "node:crypto";
import { returnVerdict, type VerdictFacts } from "../../domain/verdicts.ts";
import type { Cause } from "../commit/types.ts";
import { eventContext } from "../outbox/event-context.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { isSet, toSummary } from "./order-row.ts";
import type { ChangeDeps } from "./types.ts";

/**
 * Old operation 3, returnOrder: sets the refund mark where the order was handed over and is not cancelled; ReturnMarked goes out
 * when it was not set before. Undefined where there is no such order.
 */
export function markReturned(
  deps: ChangeDeps,
  { orderId, cause }: { readonly orderId: bigint; readonly cause: Cause },
): Promise<VerdictFacts | undefined> {
  return commitChange<VerdictFacts | undefined>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    if (row === undefined) {
      return unchanged(undefined);
    }
    const order = toSummary(row);
    if (returnVerdict(order).verdict !== "MARKED" || isSet(row.is_refund)) {
      return unchanged(order);
    }
    await trx
      .updateTable("oms_db.oms_order_main")
      .set({ is_refund: 1, update_date: now })
      .where("order_id", "=", orderId)
      .execute();
    const context = eventContext(order, `${orderId}-return-${randomUUID()}`, cause, now);
    return { result: order, events: [{ type: "return-marked", ...context }] };
  });
}
