import { type Kysely, sql } from "kysely";
import { createBatcher } from "../../lib/batcher.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import type { OpenCount } from "./types.ts";

/**
 * Counts the open entries of these Actions, for metrics: one walk along an index, and a look at the
 * oldest row of each Action and state. Actions without open entries are left out.
 */
export async function readOpenCounts(db: Kysely<Database>, actions: readonly string[]): Promise<OpenCount[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(({ fn }) => [
      "action",
      "state",
      fn.countAll<bigint>().as("count"),
      fn.min<bigint>("id").as("firstId"),
      fn.min<Date | null>("next_attempt_time").as("firstDue"),
    ])
    .where("action", "in", actions)
    .where("state", "in", OPEN_STATES)
    .groupBy(["action", "state"])
    .execute();
  const waiting = rows.filter(({ state }) => state !== "PARKED");
  const firstTimes = await readFirstTimes(
    db,
    waiting.map(({ firstId }) => firstId),
  );
  return [...Map.groupBy(rows, ({ action }) => action)].map(([action, counts]) => {
    const countOf = (state: string) => Number(counts.find((row) => row.state === state)?.count ?? 0);
    const ofAction = waiting.filter((row) => row.action === action);
    return {
      action,
      pending: countOf("PENDING"),
      retrying: countOf("RETRYING"),
      parked: countOf("PARKED"),
      waitingSince: earliest(ofAction.map(({ firstId }) => firstTimes.get(firstId))),
      firstDue: earliest(ofAction.map(({ firstDue }) => firstDue ?? undefined)),
    };
  });
}

/** The open entries of an Action, for operators. */
export interface OpenTotals {
  /** Waiting for their first or next attempt. */
  readonly waiting: number;
  /** Attempts that have started and not ended, and whose lease has not expired. */
  readonly inFlight: number;
  readonly parked: number;
  /** Commit time of the oldest waiting event; undefined if none waits. */
  readonly waitingSince: Date | undefined;
}

const NOTHING_OPEN: OpenTotals = { waiting: 0, inFlight: 0, parked: 0, waitingSince: undefined };

/** Maximum number of calls that share a count. */
const MAX_CALLS = 256;

/**
 * Returns a function that counts the open entries of Actions, by name. Concurrent calls share one
 * count: with a backlog of millions it takes seconds.
 *
 * @param leaseMs duration of a lease, in milliseconds
 */
export function openTotalsReader(
  db: OrderDatabase,
  leaseMs: number,
): (actions: readonly string[]) => Promise<ReadonlyMap<string, OpenTotals>> {
  return createBatcher(
    async (calls) => {
      const totals = await readOpenTotals(db, [...new Set(calls.flat())], leaseMs);
      return calls.map(() => totals);
    },
    { maxBatch: MAX_CALLS },
  );
}

/**
 * One walk along the open part of an index. Only the rows due within a lease are read themselves,
 * as the attempts in flight are among them.
 */
async function readOpenTotals(
  db: OrderDatabase,
  actions: readonly string[],
  leaseMs: number,
): Promise<ReadonlyMap<string, OpenTotals>> {
  const now = db.clock.now();
  const leaseEnd = new Date(now.getTime() + leaseMs);
  const inFlight = sql`(attempts_started > attempts_finished)`;
  const rows = await selectCounts(db, actions)
    .select([sql<string>`0`.as("in_flight"), sql<bigint | null>`min(id)`.as("first_id")])
    .where("state", "in", OPEN_STATES)
    .where(({ or, eb }) =>
      or([
        eb("next_attempt_time", "is", null),
        eb("next_attempt_time", "<=", now),
        eb("next_attempt_time", ">", leaseEnd),
      ]),
    )
    .unionAll((eb) =>
      selectCounts(eb, actions)
        .select([
          sql<string>`sum(${inFlight})`.as("in_flight"),
          sql<bigint | null>`min(if(${inFlight}, null, id))`.as("first_id"),
        ])
        .where("state", "in", ["PENDING", "RETRYING"])
        .where("next_attempt_time", ">", now)
        .where("next_attempt_time", "<=", leaseEnd),
    )
    .execute();
  const firstTimes = await readFirstTimes(
    db,
    rows.flatMap(({ state, first_id }) => (state === "PARKED" || first_id === null ? [] : [first_id])),
  );
  const totals = new Map<string, OpenTotals>();
  for (const { action, state, count, in_flight, first_id } of rows) {
    const sum = totals.get(action) ?? NOTHING_OPEN;
    if (state === "PARKED") {
      totals.set(action, { ...sum, parked: sum.parked + Number(count) });
    } else {
      const firstTime = first_id === null ? undefined : firstTimes.get(first_id);
      totals.set(action, {
        ...sum,
        waiting: sum.waiting + Number(count) - Number(in_flight),
        inFlight: sum.inFlight + Number(in_flight),
        waitingSince: earliest([sum.waitingSince, firstTime]),
      });
    }
  }
  return new Map(actions.map((action) => [action, totals.get(action) ?? NOTHING_OPEN]));
}

function selectCounts(db: Pick<Kysely<Database>, "selectFrom">, actions: readonly string[]) {
  return db
    .selectFrom("oms_db.oms_action_ledger")
    .select(({ fn }) => ["action", "state", fn.countAll<bigint>().as("count")])
    .where("action", "in", actions)
    .groupBy(["action", "state"]);
}

async function readFirstTimes(db: Kysely<Database>, ids: readonly bigint[]): Promise<ReadonlyMap<bigint, Date>> {
  if (ids.length === 0) {
    return new Map();
  }
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["id", "first_time"])
    .where("id", "in", ids)
    .execute();
  return new Map(rows.map(({ id, first_time }) => [id, first_time]));
}

function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.filter((time) => time !== undefined).toSorted((a, b) => a.getTime() - b.getTime())[0];
}
