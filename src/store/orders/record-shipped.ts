import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Database } from "../schema.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { toSummary } from "./order-row.ts";
import { readStoredAnswer, storeAnswer } from "./request-answer.ts";
import type { ChangeDeps } from "./types.ts";

export interface ShippedReport {
  readonly orderId: bigint;
  /** Each SKU once. */
  readonly lines: readonly { readonly skuId: bigint; readonly quantity: number }[];
  /** "" for none. */
  readonly requestId: string;
  readonly cause: Cause;
}

type ShippedResult = { readonly recordedCount: number } | "request-id-reused" | undefined;

/**
 * Old operation 15, recordSkuDeliveryNum: the quantity of a SKU takes the place of one reported before. A repeat with the same
 * request id gets the first answer. Undefined where there is no such order.
 */
export function recordShipped(deps: ChangeDeps, report: ShippedReport): Promise<ShippedResult> {
  const { orderId, lines, requestId, cause } = report;
  const content = digestOf(report);
  return commitChange<ShippedResult>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    const known = await readStoredAnswer(trx, requestId, content);
    if (known !== undefined) {
      return unchanged(known === "reused" ? "request-id-reused" : (known.answer as { recordedCount: number }));
    }
    if (row === undefined) {
      return unchanged(undefined);
    }
    await writeLines(trx, orderId, lines);
    const result = { recordedCount: lines.length };
    await storeAnswer(trx, { requestId, digest: content, answer: result, orderId, now });
    const context = eventContext(toSummary(row), `${orderId}-shipped-${randomUUID()}`, cause, now);
    return { result, events: [{ type: "quantities-shipped", ...context, lines }] };
  });
}

function digestOf({ orderId, lines, cause }: ShippedReport): Buffer {
  return digest([
    "shipped",
    String(orderId),
    lines.map(({ skuId, quantity }) => [String(skuId), quantity]),
    cause.operator,
  ]);
}

/** Updates what is there and inserts the rest: an old table need not have a unique key to do both at once. */
async function writeLines(trx: Transaction<Database>, orderId: bigint, lines: ShippedReport["lines"]): Promise<void> {
  const rows = await trx
    .selectFrom("oms_db.oms_order_detail_exp")
    .select("sku_id")
    .where("order_id", "=", orderId)
    .execute();
  const present = new Set(rows.map(({ sku_id }) => sku_id));
  const again = lines.filter(({ skuId }) => present.has(skuId));
  const fresh = lines.filter(({ skuId }) => !present.has(skuId));
  if (again.length > 0) {
    const json = JSON.stringify(again.map(({ skuId, quantity }) => [String(skuId), quantity]));
    await sql`
      update json_table(${json}, '$[*]' columns (sku_id bigint path '$[0]', quantity int path '$[1]')) d
      straight_join ${sql.table("oms_db.oms_order_detail_exp")} e on e.order_id = ${orderId} and e.sku_id = d.sku_id
      set e.delivery_num = d.quantity`.execute(trx);
  }
  if (fresh.length > 0) {
    await trx
      .insertInto("oms_db.oms_order_detail_exp")
      .values(fresh.map(({ skuId, quantity }) => ({ order_id: orderId, sku_id: skuId, delivery_num: quantity })))
      .execute();
  }
}
