import type { Kysely } from "kysely";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import type { OpenCount } from "./types.ts";

/**
 * How much of these Actions is open and since when, of each that has anything open; read from an index, with a look at the oldest row of each
 * Action and state.
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
  const times = await readFirstTimes(
    db,
    waiting.map(({ firstId }) => firstId),
  );
  return [...Map.groupBy(rows, ({ action }) => action)].map(([action, counts]) => {
    const of = (state: string) => Number(counts.find((row) => row.state === state)?.count ?? 0);
    const mine = waiting.filter((row) => row.action === action);
    return {
      action,
      pending: of("PENDING"),
      retrying: of("RETRYING"),
      parked: of("PARKED"),
      waitingSince: earliest(mine.map(({ firstId }) => times.get(firstId))),
      firstDue: earliest(mine.map(({ firstDue }) => firstDue ?? undefined)),
    };
  });
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

/** Of those that there are. */
function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.filter((time) => time !== undefined).toSorted((a, b) => a.getTime() - b.getTime())[0];
}
