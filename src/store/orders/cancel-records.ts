import { sql, type Transaction } from "kysely";
import type { CancelProgressed, CancelStep } from "../../domain/events.ts";
import { CANCEL_PROCESS, PROCESS_FLAG } from "../../domain/reversal.ts";
import type { Cause } from "../commit/types.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Database } from "../schema.ts";
import type { Order } from "./order-row.ts";

type OldCodeTable = "ordercancel_db.oms_order_cancel_flow" | "ordercancel_db.oms_push_issuccess";

/** Tells the readers of the old tables how far the order's cancel has come. */
export async function writeLegacyCancel(
  trx: Transaction<Database>,
  orderId: bigint,
  process: keyof typeof CANCEL_PROCESS,
): Promise<void> {
  const known = await trx
    .selectFrom("ordercancel_db.oms_order_cancel")
    .select("order_id")
    .where("order_id", "=", orderId)
    .limit(1)
    .executeTakeFirst();
  if (known === undefined) {
    await trx.insertInto("ordercancel_db.oms_order_cancel").values({ order_id: orderId }).execute();
  }
  await setOldCode(trx, "ordercancel_db.oms_order_cancel_flow", "current_process", orderId, CANCEL_PROCESS[process]);
  if (process === "WMS_ASKED") {
    await setProcessFlag(trx, orderId, PROCESS_FLAG.WMS_ANSWER);
  }
}

export function setProcessFlag(trx: Transaction<Database>, orderId: bigint, flag: number): Promise<void> {
  return setOldCode(trx, "ordercancel_db.oms_push_issuccess", "process_flag", orderId, flag);
}

/** Updates what is there, else inserts: an old table need not have a unique key to do both at once. The order's row is locked. */
async function setOldCode(
  trx: Transaction<Database>,
  table: OldCodeTable,
  column: "current_process" | "process_flag",
  orderId: bigint,
  code: number,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${code} where order_id = ${orderId}`.execute(trx);
  if ((numAffectedRows ?? 0n) === 0n) {
    await sql`
      insert into ${sql.table(table)} (order_id, ${sql.ref(column)}) values (${orderId}, ${code})`.execute(trx);
  }
}

/** What others hear of a cancel. */
export function cancelEvent(
  order: Order,
  cancelId: bigint,
  step: CancelStep,
  {
    reason,
    cause,
    now,
    answerUntil,
  }: { readonly reason: string; readonly cause: Cause; readonly now: Date; readonly answerUntil?: Date | undefined },
): CancelProgressed {
  return {
    type: "cancel-progressed",
    ...eventContext(order, `${order.orderId}-cancel-${cancelId}-${step}`, cause, now),
    cancelId,
    step,
    reason,
    answerUntil,
  };
}
