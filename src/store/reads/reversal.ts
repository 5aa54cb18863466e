import type { Kysely } from "kysely";
import { type CancelState, PROCESS_FLAG } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import type { CancelVerdict } from "../../domain/verdicts.ts";
import { idList } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";

/** An order's last cancel request. */
export interface Cancel {
  /** 0n for a row of the legacy system. */
  readonly cancelId: bigint;
  readonly state: CancelState;
  /** 0 if there is none. */
  readonly currentProcess: number;
  /** 0 if there is none. */
  readonly processFlag: number;
  /** Undefined for a row of the legacy system. */
  readonly verdict: CancelVerdict | undefined;
  /** "" if it was not refused. */
  readonly refusalReason: string;
  readonly requestTime: Date | undefined;
  /** Undefined while the request is open. */
  readonly finishTime: Date | undefined;
  readonly answerUntil: Date | undefined;
}

/**
 * The order's last cancel request, with the codes of the legacy tables; undefined if there is none.
 */
export async function readCancel(db: Kysely<Database>, orderId: bigint): Promise<Cancel | undefined> {
  const codes = await readOldCodes(db, orderId);
  const own = await db
    .selectFrom("oms_db.oms_cancel_request")
    .selectAll()
    .where("order_id", "=", orderId)
    .orderBy("cancel_id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (own !== undefined) {
    return {
      cancelId: own.cancel_id,
      state: own.state,
      ...codes,
      verdict: own.verdict as CancelVerdict,
      refusalReason: own.refusal_reason,
      requestTime: own.request_time,
      finishTime: own.finish_time ?? undefined,
      answerUntil: own.answer_until ?? undefined,
    };
  }
  const old = await db
    .selectFrom("ordercancel_db.oms_order_cancel as c")
    .leftJoin("oms_db.oms_order_status as s", "s.order_id", "c.order_id")
    .select(["s.order_status"])
    .where("c.order_id", "=", orderId)
    .limit(1)
    .executeTakeFirst();
  return (
    old && {
      cancelId: 0n,
      state: stateOfOld(old.order_status, codes.processFlag),
      ...codes,
      verdict: undefined,
      refusalReason: "",
      requestTime: undefined,
      finishTime: undefined,
      answerUntil: undefined,
    }
  );
}

/** The legacy system stored no state: it follows from the order's status and the stage. */
function stateOfOld(status: number | null, processFlag: number): CancelState {
  if (status === Status.CANCELLED) {
    return "CANCELLED";
  }
  return processFlag === PROCESS_FLAG.WMS_ANSWER ? "WAITING_FOR_WMS" : "REQUESTED";
}

async function readOldCodes(db: Kysely<Database>, orderId: bigint) {
  const flow = await db
    .selectFrom("ordercancel_db.oms_order_cancel_flow")
    .select(({ fn }) => fn.max("current_process").as("code"))
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  const push = await db
    .selectFrom("ordercancel_db.oms_push_issuccess")
    .select(({ fn }) => fn.max("process_flag").as("code"))
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return { currentProcess: Number(flow?.code ?? 0), processFlag: Number(push?.code ?? 0) };
}

/**
 * Whether a step of the forward flow has started for an order and not ended: its request may still
 * reach the external system. A step that has not started reads the order first, and sees its pause.
 */
export async function isStepRunning(db: Kysely<Database>, orderId: bigint, step: string): Promise<boolean> {
  const row = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "=", orderId)
    .where("action", "=", step)
    .where("state", "in", ["PENDING", "RETRYING"])
    .where("attempts_started", ">", 0)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether a cancel request waits for the WMS's answer. */
export async function isRequestOpen(db: Kysely<Database>, cancelId: bigint): Promise<boolean> {
  const row = await db
    .selectFrom("oms_db.oms_cancel_request")
    .select("state")
    .where("cancel_id", "=", cancelId)
    .executeTakeFirst();
  return row?.state === "WAITING_FOR_WMS";
}

/**
 * Whether an Action's run of an event has not ended and may have had side effects in an external
 * system. A parked one counts unless it had only the attempt that parked it, which was rejected.
 */
export async function mayHaveActed(db: Kysely<Database>, messageId: string, action: string): Promise<boolean> {
  const run = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["state", "attempts_started", "clean_attempts"])
    .where("action", "=", action)
    .where("message_id", "=", messageId)
    .executeTakeFirst();
  if (run === undefined || run.state === "DONE" || run.state === "DISCARDED") {
    return false;
  }
  const uncertain = run.attempts_started - run.clean_attempts;
  return uncertain > (run.state === "PARKED" ? 1 : 0);
}

/** A line of a return. */
export interface ReturnDetail {
  readonly orderId: bigint;
  readonly returnId: bigint;
  /** 0n if a row of the legacy system has none. */
  readonly skuId: bigint;
  /** 0 if a row of the legacy system has none. */
  readonly quantity: number;
  readonly createTime: Date | undefined;
}

/** Return lines of orders (legacy detail/orderIds), by order, return and SKU. */
export async function readReturnDetails(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<ReturnDetail[]> {
  if (orderIds.length === 0) {
    return [];
  }
  const rows = await db
    .selectFrom("ordercancel_db.order_return_detail")
    .select(["order_id", "return_id", "sku_id", "quantity", "create_date"])
    .where("order_id", "in", idList(orderIds))
    .orderBy("order_id")
    .orderBy("return_id")
    .orderBy("sku_id")
    .execute();
  return rows.map((row) => ({
    orderId: BigInt(row.order_id),
    returnId: BigInt(row.return_id),
    skuId: BigInt(row.sku_id ?? 0),
    quantity: Number(row.quantity ?? 0),
    createTime: row.create_date ?? undefined,
  }));
}
