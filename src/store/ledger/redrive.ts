import { sql, type Transaction, type UpdateObject } from "kysely";
import { idList } from "../mysql/literals.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { prepareEvent, writeOutbox } from "../outbox/write-events.ts";
import { isRunnable } from "../reads/action-entries.ts";
import { readChanges } from "../reads/history.ts";
import type { ActionState, Database } from "../schema.ts";
import {
  type Intervention,
  type InterventionDeps,
  type InterventionResult,
  writeIntervention,
} from "./interventions.ts";

type RedrivenState = Exclude<ActionState, "DONE">;

interface LockedRow {
  readonly id: bigint;
  readonly message_id: string;
  readonly outbox_id: bigint;
  readonly state: ActionState;
}

/**
 * Makes entries run now, in one transaction. Waiting ones become due; parked and discarded ones
 * start a new round with the full number of attempts. Entries that are running, already due, or no
 * longer in one of the states `from` stay as they are; so do those whose event no longer exists.
 */
export async function redrive(
  deps: InterventionDeps,
  ids: readonly bigint[],
  from: readonly RedrivenState[],
  intervention: Intervention,
): Promise<InterventionResult> {
  const result = await inTransaction(deps.db, async (trx) => {
    const rows = await lockRows(trx, ids, from);
    const waiting = rows.filter(({ state }) => state === "PENDING" || state === "RETRYING");
    const stopped = await withEvents(
      trx,
      deps,
      rows.filter(({ state }) => state === "PARKED" || state === "DISCARDED"),
    );
    const count = waiting.length + stopped.length;
    if (count === 0) {
      return { count, interventionId: intervention.id };
    }
    const interventionId = await writeIntervention(trx, intervention, count);
    await makeDue(trx, waiting, interventionId);
    await startRound(trx, stopped, interventionId);
    return { count, interventionId };
  });
  if (result.count > 0) {
    deps.onDue?.();
  }
  return result;
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

function makeDue(trx: Transaction<Database>, rows: readonly LockedRow[], interventionId: bigint) {
  return update(trx, rows, { next_attempt_time: sql<Date>`now(3)`, intervention_id: interventionId });
}

function startRound(trx: Transaction<Database>, rows: readonly LockedRow[], interventionId: bigint) {
  return update(trx, rows, {
    state: "RETRYING",
    next_attempt_time: sql<Date>`now(3)`,
    finish_time: null,
    // Earlier attempts no longer count, neither as failed nor as unfinished.
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
 * Those of the rows whose events exist. A discarded entry's event is not kept; that of a status
 * change is restored from the history, marked as published, as the broker had it before.
 */
async function withEvents(
  trx: Transaction<Database>,
  deps: InterventionDeps,
  rows: readonly LockedRow[],
): Promise<readonly LockedRow[]> {
  if (rows.length === 0) {
    return rows;
  }
  const present = await trx
    .selectFrom("oms_db.oms_outbox")
    .select("id")
    .where("id", "in", idList(rows.map(({ outbox_id }) => outbox_id)))
    .execute();
  const presentIds = new Set(present.map(({ id }) => id));
  const missing = new Map(rows.filter((row) => !presentIds.has(row.outbox_id)).map((row) => [row.message_id, row]));
  const changes = await readChanges(trx, [...missing.keys()]);
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
        .where("id", "=", (missing.get(row.messageId) as LockedRow).id)
        .execute();
      missing.delete(row.messageId);
    }
  }
  return rows.filter(({ message_id }) => !missing.has(message_id));
}
