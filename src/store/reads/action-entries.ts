import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { InterventionRow } from "../ledger/interventions.ts";
import { idList } from "../mysql/id-list.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { ActionState, Database } from "../schema.ts";

/** What one Action made of one event. */
export interface ActionEntry {
  /** Grows with time, but for events that were replayed from the history. */
  readonly id: bigint;
  readonly messageId: string;
  readonly action: string;
  readonly orderId: bigint;
  readonly state: ActionState;
  /** Started so far. */
  readonly attempts: number;
  /** "" where none failed. */
  readonly lastError: string;
  /** When the event was committed. */
  readonly firstTime: Date;
  readonly finishTime: Date | undefined;
  /** When it is tried again or looked after; undefined where that depends on a person, or on nobody. */
  readonly nextAttemptTime: Date | undefined;
  /** The last thing that a person did about it. */
  readonly intervention: InterventionRow | undefined;
}

/** What the Actions made of an order's events, oldest event first. */
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

/** Which of an Action's events that wait for a person, or that one gave up. */
export interface ParkedOrDiscardedSearch {
  readonly action: string;
  readonly state: "PARKED" | "DISCARDED";
  /** Only with a greater id. */
  readonly afterId: bigint;
  readonly limit: number;
  /** Only these events; all when left out. */
  readonly messageIds?: readonly string[];
}

/** Events that an Action has parked or that a person discarded, by id: the index is entered at the place, wherever that is. */
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

/** Each by the unique index: with a state or an order of ids beside them, all parked events would be looked at instead. */
async function readNamed(db: Kysely<Database>, action: string, messageIds: readonly string[]) {
  const rows = await selectEntries(db).where("l.message_id", "in", messageIds).where("l.action", "=", action).execute();
  return rows.map(toEntry).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Which of the orders' events an Action can be made to run now: given up, or waiting for a later time; none that is under way. */
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

/** Whether a row that is not done can be made to run now. */
export function isRunnable({ or, and, eb, ref }: ExpressionBuilder<Database, "oms_db.oms_action_ledger">) {
  return or([
    eb("state", "in", ["PARKED", "DISCARDED"]),
    // While an attempt runs, next_attempt_time is its lease.
    and([eb("attempts_started", "=", ref("attempts_finished")), eb("next_attempt_time", ">", sql<Date>`now(3)`)]),
  ]);
}

/** The place of an event among those that an Action has still to do. */
export interface DueCursor {
  /** When it is due. */
  readonly due: Date;
  readonly id: bigint;
}

/** Events that an Action is to do later and not now, none of them under way: by the time that they are due. */
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
    /** Undefined: from the first one on. */
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
  const { intervention_id: id, kind, action, selection, affected, caller, operator, reason, record_time: time } = row;
  // Where its row is gone, nobody knows more than that there was one.
  return id === null || kind === null
    ? undefined
    : ({ id, kind, action, selection, affected, caller, operator, reason, time } as InterventionRow);
}

export interface OpenAction {
  readonly messageId: string;
  readonly action: string;
  readonly state: ActionState;
  /** Started so far. */
  readonly attempts: number;
  /** "" where none failed yet. */
  readonly lastError: string;
  /** When it is tried again or looked after; null where a person has to decide. */
  readonly nextAttemptTime: Date | null;
}

/** The order's Actions that are not done, oldest event first. */
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
    nextAttemptTime: row.next_attempt_time,
  }));
}
