import { type Kysely, sql } from "kysely";
import { createBatcher } from "../../lib/batcher.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";

/** How much of an Action is open. */
export interface OpenTotals {
  /** Not tried yet or to be tried again, and not under way. */
  readonly waiting: number;
  /** Attempts that were begun and have not ended, under a lease that still holds. */
  readonly inFlight: number;
  readonly parked: number;
  /** When the first of the waiting events was committed; undefined where none waits. */
  readonly waitingSince: Date | undefined;
}

/** What has become of an Action's attempts since the service was set up. */
export interface AttemptTotals {
  readonly done: number;
  readonly retries: number;
  /** "" where none failed. */
  readonly lastError: string;
  readonly lastErrorTime: Date | undefined;
}

const NOTHING_OPEN: OpenTotals = { waiting: 0, inFlight: 0, parked: 0, waitingSince: undefined };

/** Calls that one count answers. */
const MAX_CALLS = 256;

/**
 * Counts how much is open of each of the Actions, by name; concurrent calls share one count, as a backlog of millions takes seconds.
 *
 * @param leaseMs how long a lease lasts, in milliseconds
 */
export function openTotalsReader(
  db: OrderDatabase,
  leaseMs: number,
): (actions: readonly string[]) => Promise<ReadonlyMap<string, OpenTotals>> {
  return createBatcher(
    async (calls) => {
      const sums = await readOpenSums(db, [...new Set(calls.flat())], leaseMs);
      return calls.map(() => sums);
    },
    { maxBatch: MAX_CALLS },
  );
}

/** One walk along the open part of an index, with a look at those rows alone that are due within a lease: an attempt under way is among them. */
async function readOpenSums(
  db: OrderDatabase,
  actions: readonly string[],
  leaseMs: number,
): Promise<ReadonlyMap<string, OpenTotals>> {
  const now = db.clock.now();
  const leaseEnd = new Date(now.getTime() + leaseMs);
  const underWay = sql`(attempts_started > attempts_finished)`;
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
          sql<string>`sum(${underWay})`.as("in_flight"),
          sql<bigint | null>`min(if(${underWay}, null, id))`.as("first_id"),
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
  const sums = new Map<string, OpenTotals>();
  for (const { action, state, count, in_flight, first_id } of rows) {
    const sum = sums.get(action) ?? NOTHING_OPEN;
    if (state === "PARKED") {
      sums.set(action, { ...sum, parked: sum.parked + Number(count) });
    } else {
      sums.set(action, {
        ...sum,
        waiting: sum.waiting + Number(count) - Number(in_flight),
        inFlight: sum.inFlight + Number(in_flight),
        waitingSince: earlier(sum.waitingSince, first_id === null ? undefined : firstTimes.get(first_id)),
      });
    }
  }
  return new Map(actions.map((action) => [action, sums.get(action) ?? NOTHING_OPEN]));
}

function selectCounts(db: Pick<Kysely<Database>, "selectFrom">, actions: readonly string[]) {
  return db
    .selectFrom("oms_db.oms_action_ledger")
    .select(({ fn }) => ["action", "state", fn.countAll<bigint>().as("count")])
    .where("action", "in", actions)
    .groupBy(["action", "state"]);
}

/** What became of the Actions' attempts, by name. */
export async function readAttemptTotals(db: Kysely<Database>): Promise<ReadonlyMap<string, AttemptTotals>> {
  const rows = await db.selectFrom("oms_db.oms_action_total").selectAll().execute();
  return new Map(
    rows.map((row) => [
      row.action,
      {
        done: Number(row.done),
        retries: Number(row.retries),
        lastError: row.last_error ?? "",
        lastErrorTime: row.last_error_time ?? undefined,
      },
    ]),
  );
}

async function readFirstTimes(db: Kysely<Database>, ids: readonly bigint[]): Promise<Map<bigint, Date>> {
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

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
