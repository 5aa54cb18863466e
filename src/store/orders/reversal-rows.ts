import { type CompiledQuery, type Kysely, sql } from "kysely";
import type { Cause, SkuQuantity } from "../../domain/events.ts";
import { CANCEL_PROCESS, PROCESS_FLAG } from "../../domain/reversal.ts";
import type { CancelVerdict } from "../../domain/verdicts.ts";
import { type Read, readOf } from "../mysql/read.ts";
import type { CancelRequestState, Database } from "../schema.ts";

/** A cancel request of an order. */
export interface CancelRequest {
  readonly cancelId: bigint;
  readonly state: CancelRequestState;
  /** Verdict of legacy operation 1. */
  readonly verdict: CancelVerdict;
  readonly reason: string;
  /** Whether an answer of the WMS contradicted the order. */
  readonly hasConflict: boolean;
}

/** A request of the order that waits for the WMS or has cancelled the order; undefined for none. */
export function openOrDoneRequest(db: Kysely<Database>, orderId: bigint): Read<CancelRequest | undefined> {
  const query = selectRequests(db, orderId).where("state", "in", ["WAITING_FOR_WMS", "CANCELLED"]);
  return readOf(query.compile(), ([row]) => row && toRequest(row));
}

/** The order's request to take its goods back, made after it was cancelled; undefined for none. */
export function takeBackRequest(db: Kysely<Database>, orderId: bigint): Read<CancelRequest | undefined> {
  const query = selectRequests(db, orderId)
    .where("verdict", "=", "ALREADY_CANCELLED")
    .where("answer_until", "is not", null);
  return readOf(query.compile(), ([row]) => row && toRequest(row));
}

/**
 * One request of the order; undefined for none. Without `cancelId` the one that an answer of the
 * WMS belongs to: one that waits for it, else one about which the WMS was asked, else any; of
 * several the last one.
 */
export function cancelRequest(
  db: Kysely<Database>,
  orderId: bigint,
  cancelId: bigint | undefined,
): Read<CancelRequest | undefined> {
  const query = selectRequests(db, orderId)
    .$if(cancelId !== undefined, (all) => all.where("cancel_id", "=", cancelId as bigint))
    .orderBy(sql`state = 'WAITING_FOR_WMS'`, "desc")
    .orderBy(sql`answer_until is not null`, "desc")
    .orderBy("cancel_id", "desc")
    .limit(1);
  return readOf(query.compile(), ([row]) => row && toRequest(row));
}

function selectRequests(db: Kysely<Database>, orderId: bigint) {
  return db
    .selectFrom("oms_db.oms_cancel_request")
    .select(["cancel_id", "state", "verdict", "reason", "conflict_time"])
    .where("order_id", "=", orderId);
}

type SelectedRequest = Awaited<ReturnType<ReturnType<typeof selectRequests>["execute"]>>[number];

function toRequest(row: SelectedRequest): CancelRequest {
  const { state, verdict, reason } = row;
  return {
    cancelId: row.cancel_id,
    state,
    verdict: verdict as CancelVerdict,
    reason,
    hasConflict: row.conflict_time !== null,
  };
}

/** A cancel request to insert. */
export interface NewCancelRequest extends Omit<CancelRequest, "hasConflict"> {
  readonly orderId: bigint;
  /** "" where it is not refused. */
  readonly refusalReason: string;
  readonly cause: Cause;
  /** The deadline of the WMS's answer; undefined for a request that is closed already. */
  readonly answerUntil: Date | undefined;
}

/** Inserts a request and updates the legacy tables. */
export function insertCancelRequest(
  db: Kysely<Database>,
  { cancelId, orderId, state, verdict, reason, refusalReason, cause, answerUntil }: NewCancelRequest,
  now: Date,
): CompiledQuery[] {
  const insert = db.insertInto("oms_db.oms_cancel_request").values({
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
  });
  return [insert.compile(), ...writeLegacyCancel(db, orderId, answerUntil === undefined ? "CLOSED" : "WMS_ASKED")];
}

/** Closes a request, or changes how it was closed; updates the legacy tables. */
export function closeCancelRequest(
  db: Kysely<Database>,
  orderId: bigint,
  cancelId: bigint,
  end: { readonly state: CancelRequestState; readonly refusalReason: string; readonly now: Date },
): CompiledQuery[] {
  const update = db
    .updateTable("oms_db.oms_cancel_request")
    .set({ state: end.state, refusal_reason: end.refusalReason, finish_time: end.now })
    .where("cancel_id", "=", cancelId);
  return [update.compile(), ...writeLegacyCancel(db, orderId, "CLOSED")];
}

/** Records that an answer of the WMS contradicts the order. */
export function markConflict(db: Kysely<Database>, cancelId: bigint, now: Date): CompiledQuery {
  return db
    .updateTable("oms_db.oms_cancel_request")
    .set({ conflict_time: now })
    .where("cancel_id", "=", cancelId)
    .compile();
}

/** The state of the order's last cancel request for legacy readers. */
function writeLegacyCancel(
  db: Kysely<Database>,
  orderId: bigint,
  process: keyof typeof CANCEL_PROCESS,
): CompiledQuery[] {
  return [
    insertUnlessPresent(db, "ordercancel_db.oms_order_cancel", { order_id: orderId }),
    ...setLegacyCode(db, "ordercancel_db.oms_order_cancel_flow", "current_process", orderId, CANCEL_PROCESS[process]),
    ...(process === "WMS_ASKED" ? setProcessFlag(db, orderId, PROCESS_FLAG.WMS_ANSWER) : []),
  ];
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
export function insertReturn(
  db: Kysely<Database>,
  { returnId, orderId, lines, reason, cause }: NewReturn,
  now: Date,
): CompiledQuery[] {
  const insert = db.insertInto("oms_db.oms_return_request").values({
    return_id: returnId,
    order_id: orderId,
    reason,
    caller: cause.caller,
    operator: cause.operator,
    authenticated_operator: cause.authenticatedOperator,
    request_time: now,
  });
  const insertLines = db.insertInto("ordercancel_db.order_return_detail").values(
    lines.map(({ skuId, quantity }) => ({
      order_id: orderId,
      return_id: returnId,
      sku_id: skuId,
      quantity,
      create_date: now,
    })),
  );
  return [insert.compile(), insertLines.compile(), ...setProcessFlag(db, orderId, PROCESS_FLAG.RETURN)];
}

/**
 * The quantities that earlier returns of the order took back, by SKU; legacy returns without SKU do
 * not count.
 */
export function returnedLines(db: Kysely<Database>, orderId: bigint): Read<SkuQuantity[]> {
  const query = db
    .selectFrom("ordercancel_db.order_return_detail")
    .select(({ fn }) => ["sku_id", fn.sum<string | null>("quantity").as("quantity")])
    .where("order_id", "=", orderId)
    .where("sku_id", "is not", null)
    .groupBy("sku_id");
  return readOf(query.compile(), (rows) =>
    rows.map(({ sku_id, quantity }) => ({ skuId: sku_id as bigint, quantity: Number(quantity) })),
  );
}

function setProcessFlag(db: Kysely<Database>, orderId: bigint, flag: number): CompiledQuery[] {
  return setLegacyCode(db, "ordercancel_db.oms_push_issuccess", "process_flag", orderId, flag);
}

/** Updates the order's rows or inserts one. */
function setLegacyCode(
  db: Kysely<Database>,
  table: "ordercancel_db.oms_order_cancel_flow" | "ordercancel_db.oms_push_issuccess",
  column: "current_process" | "process_flag",
  orderId: bigint,
  code: number,
): CompiledQuery[] {
  const update = sql`update ${sql.table(table)} set ${sql.ref(column)} = ${code} where order_id = ${orderId}`;
  return [update.compile(db), insertUnlessPresent(db, table, { order_id: orderId, [column]: code })];
}

/**
 * Inserts a row unless the order has one: a legacy table may lack a unique key for an upsert. The
 * order is locked.
 */
function insertUnlessPresent(
  db: Kysely<Database>,
  table: string,
  row: { readonly order_id: bigint; readonly [column: string]: bigint | number },
): CompiledQuery {
  const columns = Object.keys(row).map((column) => sql.ref(column));
  const values = Object.values(row).map((value) => sql`${value}`);
  return sql`
    insert into ${sql.table(table)} (${sql.join(columns)}) select ${sql.join(values)} from dual
    where not exists (select 1 from ${sql.table(table)} where order_id = ${row.order_id})`.compile(db);
}
