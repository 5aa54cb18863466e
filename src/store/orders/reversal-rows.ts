import { sql, type Transaction } from "kysely";
import type { Cause, SkuQuantity } from "../../domain/events.ts";
import { CANCEL_PROCESS, PROCESS_FLAG } from "../../domain/reversal.ts";
import type { CancelVerdict } from "../../domain/verdicts.ts";
import type { CancelRequestState, Database } from "../schema.ts";

/** A cancel request of an order. */
export interface CancelRequest {
  readonly cancelId: bigint;
  readonly state: CancelRequestState;
  readonly reason: string;
}

/** A request of the order that waits for the WMS or has cancelled the order; undefined for none. */
export function findOpenOrDone(trx: Transaction<Database>, orderId: bigint): Promise<CancelRequest | undefined> {
  return selectRequests(trx, orderId).where("state", "in", ["WAITING_FOR_WMS", "CANCELLED"]).executeTakeFirst();
}

/** One request of the order, the last one without `cancelId`; undefined for none. */
export function findCancelRequest(
  trx: Transaction<Database>,
  orderId: bigint,
  cancelId: bigint | undefined,
): Promise<CancelRequest | undefined> {
  return selectRequests(trx, orderId)
    .$if(cancelId !== undefined, (query) => query.where("cancel_id", "=", cancelId as bigint))
    .orderBy("cancel_id", "desc")
    .limit(1)
    .executeTakeFirst();
}

function selectRequests(trx: Transaction<Database>, orderId: bigint) {
  return trx
    .selectFrom("oms_db.oms_cancel_request")
    .select(["cancel_id as cancelId", "state", "reason"])
    .where("order_id", "=", orderId);
}

/** A cancel request to insert. */
export interface NewCancelRequest extends CancelRequest {
  readonly orderId: bigint;
  readonly verdict: CancelVerdict;
  /** "" where it is not refused. */
  readonly refusalReason: string;
  readonly cause: Cause;
  /** The deadline of the WMS's answer; undefined for a request that is closed already. */
  readonly answerUntil: Date | undefined;
}

/** Inserts a request and updates the legacy tables. */
export async function insertCancelRequest(
  trx: Transaction<Database>,
  { cancelId, orderId, state, verdict, reason, refusalReason, cause, answerUntil }: NewCancelRequest,
  now: Date,
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_cancel_request")
    .values({
      cancel_id: cancelId,
      order_id: orderId,
      state,
      verdict,
      reason,
      caller: cause.caller,
      operator: cause.operator,
      authenticated_operator: cause.authenticatedOperator,
      refusal_reason: refusalReason,
      request_time: now,
      answer_until: answerUntil ?? null,
      finish_time: answerUntil === undefined ? now : null,
    })
    .execute();
  await writeLegacyCancel(trx, orderId, answerUntil === undefined ? "CLOSED" : "WMS_ASKED");
}

/** Closes a request that waited for the WMS; updates the legacy tables. */
export async function closeCancelRequest(
  trx: Transaction<Database>,
  orderId: bigint,
  cancelId: bigint,
  end: { readonly state: CancelRequestState; readonly refusalReason: string; readonly now: Date },
): Promise<void> {
  await trx
    .updateTable("oms_db.oms_cancel_request")
    .set({ state: end.state, refusal_reason: end.refusalReason, finish_time: end.now })
    .where("cancel_id", "=", cancelId)
    .execute();
  await writeLegacyCancel(trx, orderId, "CLOSED");
}

/** The state of the order's last cancel request for legacy readers. */
async function writeLegacyCancel(
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
  await setLegacyCode(trx, "ordercancel_db.oms_order_cancel_flow", "current_process", orderId, CANCEL_PROCESS[process]);
  if (process === "WMS_ASKED") {
    await setProcessFlag(trx, orderId, PROCESS_FLAG.WMS_ANSWER);
  }
}

/** A return to insert. */
export interface NewReturn {
  readonly returnId: bigint;
  readonly orderId: bigint;
  readonly lines: readonly SkuQuantity[];
  readonly reason: string;
  readonly cause: Cause;
}

/** Inserts a return with its lines and updates the legacy tables. */
export async function insertReturn(
  trx: Transaction<Database>,
  { returnId, orderId, lines, reason, cause }: NewReturn,
  now: Date,
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_return_request")
    .values({
      return_id: returnId,
      order_id: orderId,
      reason,
      caller: cause.caller,
      operator: cause.operator,
      authenticated_operator: cause.authenticatedOperator,
      request_time: now,
    })
    .execute();
  await trx
    .insertInto("ordercancel_db.order_return_detail")
    .values(
      lines.map(({ skuId, quantity }) => ({
        order_id: orderId,
        return_id: returnId,
        sku_id: skuId,
        quantity,
        create_date: now,
      })),
    )
    .execute();
  await setProcessFlag(trx, orderId, PROCESS_FLAG.RETURN);
}

/**
 * The quantities that earlier returns of the order took back, by SKU; legacy returns without SKU do
 * not count.
 */
export async function readReturnedLines(trx: Transaction<Database>, orderId: bigint): Promise<SkuQuantity[]> {
  const rows = await trx
    .selectFrom("ordercancel_db.order_return_detail")
    .select(({ fn }) => ["sku_id", fn.sum<string | null>("quantity").as("quantity")])
    .where("order_id", "=", orderId)
    .where("sku_id", "is not", null)
    .groupBy("sku_id")
    .execute();
  return rows.map(({ sku_id, quantity }) => ({ skuId: sku_id as bigint, quantity: Number(quantity) }));
}

function setProcessFlag(trx: Transaction<Database>, orderId: bigint, flag: number): Promise<void> {
  return setLegacyCode(trx, "ordercancel_db.oms_push_issuccess", "process_flag", orderId, flag);
}

/**
 * Updates the order's rows or inserts one: a legacy table may lack a unique key for an upsert. The
 * order is locked.
 */
async function setLegacyCode(
  trx: Transaction<Database>,
  table: "ordercancel_db.oms_order_cancel_flow" | "ordercancel_db.oms_push_issuccess",
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
