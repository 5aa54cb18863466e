import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { InterventionRow } from "../ledger/interventions.ts";
import { idList } from "../mysql/literals.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { ActionState, Database } from "../schema.ts";

/** One Action's processing of one event. */
export interface ActionEntry {
  /** Grows with time, except for events redelivered from the history. */
  readonly id: bigint;
  readonly messageId: string;
  readonly action: string;
  readonly orderId: bigint;
  readonly state: ActionState;
  /** Number of attempts started. */
  readonly attempts: number;
  /** "" if none failed. */
  readonly lastError: string;
  /** Commit time of the event. */
  readonly firstTime: Date;
  readonly finishTime: Date | undefined;
  /**
   * Time of the next attempt, or end of the running one's lease; undefined if none is scheduled.
   */
  readonly nextAttemptTime: Date | undefined;
  /** The last intervention that applied to it. */
  readonly intervention: InterventionRow | undefined;
}

/** All entries of an order's events, oldest event first. */
export async function readOrderEntries(
  db: Kysely<Database>,
  orderId: bigint,
  limit: number,
): Promise<readonly ActionEntry[]> {
  const rows = await selectEntries(db)
    .where("l.order_id", "=", orderId)
    .orderBy("l.first_time")
    .orderBy("l.id")
    .limit(limit)
    .execute();
  return rows.map(toEntry);
}

/** Selects parked or discarded entries of an Action. */
export interface ParkedOrDiscardedSearch {
  readonly action: string;
  readonly state: "PARKED" | "DISCARDED";
  /** Only entries with a greater id. */
  readonly afterId: bigint;
  readonly limit: number;
  /** Only these events; all if absent. */
  readonly messageIds?: readonly string[];
}

/** Parked or discarded entries, by id: one range of an index, however many there are. */
export async function readParkedOrDiscarded(
  db: Kysely<Database>,
  search: ParkedOrDiscardedSearch,
): Promise<readonly ActionEntry[]> {
  const { action, state, afterId, limit, messageIds } = search;
  if (messageIds !== undefined) {
    const named = await readNamed(db, action, messageIds);
    return named.filter((entry) => entry.state === state && entry.id > afterId).slice(0, limit);
  }
  const ids = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("action", "=", action)
    .where("state", "=", state)
    .where("next_attempt_time", "is", null)
    .where("id", ">", afterId)
    .orderBy("id")
    .limit(limit)
    .execute();
  return readEntries(
    db,
    ids.map(({ id }) => id),
  );
}

/**
 * By the unique index; with a condition on the state or the id, the database would read all parked
 * entries instead.
 */
async function readNamed(db: Kysely<Database>, action: string, messageIds: readonly string[]) {
  const rows = await selectEntries(db).where("l.message_id", "in", messageIds).where("l.action", "=", action).execute();
  return rows.map(toEntry).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Ids of the orders' entries that can be made to run now: parked, discarded or due later; none that
 * is running.
 */
export async function readRunnable(
  db: Kysely<Database>,
  action: string,
  orderIds: readonly bigint[],
  states: readonly ActionState[],
): Promise<bigint[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "in", idList(orderIds))
    .where("action", "=", action)
    .where("state", "in", states)
    .where(isRunnable)
    .orderBy("id")
    .execute();
  return rows.map(({ id }) => id);
}

/** Condition for a row that is not done: it can be made to run now. */
export function isRunnable({ or, and, eb, ref }: ExpressionBuilder<Database, "oms_db.oms_action_ledger">) {
  return or([
    eb("state", "in", ["PARKED", "DISCARDED"]),
    // While an attempt runs, next_attempt_time is the end of its lease.
    and([eb("attempts_started", "=", ref("attempts_finished")), eb("next_attempt_time", ">", sql<Date>`now(3)`)]),
  ]);
}

/** Position of an entry among the waiting ones, which are ordered by due time. */
export interface DueCursor {
  readonly due: Date;
  readonly id: bigint;
}

/** Entries that are due later and not running, by due time. */
export async function readWaiting(
  db: Kysely<Database>,
  {
    action,
    state,
    after,
    limit,
  }: {
    readonly action: string;
    readonly state: "PENDING" | "RETRYING";
    /** Undefined starts at the first one. */
    readonly after: DueCursor | undefined;
    readonly limit: number;
  },
): Promise<readonly (DueCursor & { readonly firstTime: Date })[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["id", "next_attempt_time", "first_time"])
    .where("action", "=", action)
    .where("state", "=", state)
    .where("next_attempt_time", ">", sql<Date>`now(3)`)
    .whereRef("attempts_started", "=", "attempts_finished")
    .$if(after !== undefined, (query) => {
      const { due, id } = after as DueCursor;
      return query.where(({ or, and, eb }) =>
        or([eb("next_attempt_time", ">", due), and([eb("next_attempt_time", "=", due), eb("id", ">", id)])]),
      );
    })
    .orderBy("next_attempt_time")
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ id: row.id, due: row.next_attempt_time as Date, firstTime: row.first_time }));
}

async function readEntries(db: Kysely<Database>, ids: readonly bigint[]): Promise<readonly ActionEntry[]> {
  if (ids.length === 0) {
    return [];
  }
  const rows = await selectEntries(db).where("l.id", "in", idList(ids)).orderBy("l.id").execute();
  return rows.map(toEntry);
}

function selectEntries(db: Kysely<Database>) {
  return db
    .selectFrom("oms_db.oms_action_ledger as l")
    .leftJoin("oms_db.oms_intervention as i", "i.id", "l.intervention_id")
    .select([
      "l.id",
      "l.message_id",
      "l.action",
      "l.order_id",
      "l.state",
      "l.attempts_started",
      "l.last_error",
      "l.first_time",
      "l.finish_time",
      "l.next_attempt_time",
      "l.intervention_id",
      "i.kind",
      "i.selection",
      "i.affected",
      "i.caller",
      "i.operator",
      "i.authenticated_operator",
      "i.reason",
      "i.record_time",
    ]);
}

type Selected = Awaited<ReturnType<ReturnType<typeof selectEntries>["execute"]>>[number];

function toEntry(row: Selected): ActionEntry {
  return {
    id: row.id,
    messageId: row.message_id,
    action: row.action,
    orderId: row.order_id,
    state: row.state,
    attempts: row.attempts_started,
    lastError: row.last_error ?? "",
    firstTime: row.first_time,
    finishTime: row.finish_time ?? undefined,
    nextAttemptTime: row.next_attempt_time ?? undefined,
    intervention: interventionOf(row),
  };
}

function interventionOf(row: Selected): InterventionRow | undefined {
  const { intervention_id: id, kind, action, selection, affected, caller, operator, reason } = row;
  const { authenticated_operator: authenticatedOperator, record_time: time } = row;
  // Of an intervention whose row was deleted, only the id is known.
  return id === null || kind === null
    ? undefined
    : ({
        id,
        kind,
        action,
        selection,
        affected,
        caller,
        operator,
        authenticatedOperator,
        reason,
        time,
      } as InterventionRow);
}

/** An entry that is pending, retrying or parked. */
export type OpenAction = Pick<
  ActionEntry,
  "messageId" | "action" | "state" | "attempts" | "lastError" | "nextAttemptTime"
>;

/** The order's open entries, oldest event first. */
export async function readOpenActions(db: Kysely<Database>, orderId: bigint): Promise<OpenAction[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["message_id", "action", "state", "attempts_started", "last_error", "next_attempt_time"])
    .where("order_id", "=", orderId)
    .where("state", "in", OPEN_STATES)
    .orderBy("id")
    .execute();
  return rows.map((row) => ({
    messageId: row.message_id,
    action: row.action,
    state: row.state,
    attempts: row.attempts_started,
    lastError: row.last_error ?? "",
    nextAttemptTime: row.next_attempt_time ?? undefined,
  }));
}
