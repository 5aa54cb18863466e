import { sql, type Transaction, type UpdateObject } from "kysely";
import { idList } from "../mysql/id-list.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import { prepareEvent, writeOutbox } from "../outbox/append-events.ts";
import { isRunnable } from "../reads/action-entries.ts";
import { readChanges } from "../reads/history.ts";
import type { ActionState, Database } from "../schema.ts";
import { type Intervention, type InterventionResult, writeIntervention } from "./interventions.ts";

type RedrivenState = Exclude<ActionState, "DONE">;

interface LockedRow {
  readonly id: bigint;
  readonly message_id: string;
  readonly outbox_id: bigint;
  readonly state: ActionState;
}

/**
 * Has ledger rows run now, in one transaction. Those that wait for their time are due; those that were given up begin a full new round of
 * attempts. One that is under way, due already, or in none of the states `from` by now stays as it is; so does one that was given up and
 * whose event is gone for good.
 */
export function redrive(
  deps: ChangeDeps,
  ids: readonly bigint[],
  from: readonly RedrivenState[],
  intervention: Intervention,
): Promise<InterventionResult> {
  return inTransaction(deps.db, async (trx) => {
    const rows = await lockRows(trx, ids, from);
    const waiting = rows.filter(({ state }) => state === "PENDING" || state === "RETRYING");
    const givenUp = await withEvents(
      trx,
      deps,
      rows.filter(({ state }) => state === "PARKED" || state === "DISCARDED"),
    );
    const count = waiting.length + givenUp.length;
    if (count === 0) {
      return { count, interventionId: intervention.id };
    }
    const interventionId = await writeIntervention(trx, intervention, count);
    await setDue(trx, waiting, interventionId);
    await beginAnew(trx, givenUp, interventionId);
    return { count, interventionId };
  });
}

async function lockRows(
  trx: Transaction<Database>,
  ids: readonly bigint[],
  from: readonly RedrivenState[],
): Promise<readonly LockedRow[]> {
  if (ids.length === 0) {
    return [];
  }
  return trx
    .selectFrom("oms_db.oms_action_ledger")
    .select(["id", "message_id", "outbox_id", "state"])
    .where("id", "in", idList(ids))
    .where("state", "in", from)
    .where(isRunnable)
    .orderBy("id")
    .forUpdate()
    .execute();
}

function setDue(trx: Transaction<Database>, rows: readonly LockedRow[], interventionId: bigint) {
  return update(trx, rows, { next_attempt_time: sql<Date>`now(3)`, intervention_id: interventionId });
}

function beginAnew(trx: Transaction<Database>, rows: readonly LockedRow[], interventionId: bigint) {
  return update(trx, rows, {
    state: "RETRYING",
    next_attempt_time: sql<Date>`now(3)`,
    finish_time: null,
    // What it was given up for, too many failures or workers that it killed, is no longer held against it.
    attempts_finished: sql<number>`attempts_started`,
    forgiven_attempts: sql<number>`attempts_started`,
    intervention_id: interventionId,
  });
}

async function update(
  trx: Transaction<Database>,
  rows: readonly LockedRow[],
  changes: UpdateObject<Database, "oms_db.oms_action_ledger">,
): Promise<void> {
  if (rows.length > 0) {
    await trx
      .updateTable("oms_db.oms_action_ledger")
      .set(changes)
      .where("id", "in", idList(rows.map(({ id }) => id)))
      .execute();
  }
}

/**
 * Those of the rows whose events can be run. A discarded row's event is not kept; that of a status change is made again from the history, as
 * the broker had it: nobody publishes it.
 */
async function withEvents(
  trx: Transaction<Database>,
  deps: ChangeDeps,
  rows: readonly LockedRow[],
): Promise<readonly LockedRow[]> {
  if (rows.length === 0) {
    return rows;
  }
  const kept = await trx
    .selectFrom("oms_db.oms_outbox")
    .select("id")
    .where("id", "in", idList(rows.map(({ outbox_id }) => outbox_id)))
    .execute();
  const keptIds = new Set(kept.map(({ id }) => id));
  const lost = new Map(rows.filter((row) => !keptIds.has(row.outbox_id)).map((row) => [row.message_id, row]));
  const changes = await readChanges(trx, [...lost.keys()]);
  if (changes.length > 0) {
    const events = await writeOutbox(
      trx,
      changes.map((change) => prepareEvent(change, deps)),
      true,
    );
    for (const { row } of events) {
      await trx
        .updateTable("oms_db.oms_action_ledger")
        .set({ outbox_id: row.id })
        .where("id", "=", (lost.get(row.messageId) as LockedRow).id)
        .execute();
      lost.delete(row.messageId);
    }
  }
  return rows.filter(({ message_id }) => !lost.has(message_id));
}
