import { type Kysely, sql, type Transaction } from "kysely";
import type { Operator } from "../../domain/operator.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList } from "../mysql/literals.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { type CommittedEvent, deleteFinished, type EventDeps } from "../outbox/outbox.ts";
import type { Database, InterventionKind } from "../schema.ts";

/** What interventions need; they are transactions of their own. */
export interface InterventionDeps extends EventDeps {
  readonly db: OrderDatabase;
  /** Called with the events to publish right after the commit. Must not throw. */
  readonly onCommitted: (events: readonly CommittedEvent[]) => void;
  /**
   * Called when ledger entries have become due, or an Action was paused or resumed. Must not throw.
   * Undefined: the poll for due entries finds them.
   */
  readonly onDue?: (() => void) | undefined;
}

/** An operator's change to an Action or its events, with its reason. */
export interface Intervention extends Operator {
  readonly kind: InterventionKind;
  readonly action: string;
  /** Description of the selected events; "" for pause and resume. */
  readonly selection: string;
  readonly caller: string;
  readonly reason: string;
  /** Id of its row, if it is recorded already and now applies to further events. */
  readonly id?: bigint | undefined;
}

/** Result of an intervention in one transaction. */
export interface InterventionResult {
  /** Number of events changed. */
  readonly count: number;
  /** Id of its row; undefined if it has changed no event so far. */
  readonly interventionId: bigint | undefined;
}

/** Length of the column `selection`, in characters. */
const MAX_SELECTION_LENGTH = 1_024;

/**
 * Records an intervention, or adds to the count of a recorded one.
 *
 * @returns id of its row
 */
export async function writeIntervention(
  trx: Transaction<Database>,
  { kind, action, selection, caller, operator, authenticatedOperator, reason, id }: Intervention,
  affected: number,
): Promise<bigint> {
  if (id !== undefined) {
    await trx
      .updateTable("oms_db.oms_intervention")
      .set({ affected: sql`affected + ${affected}` })
      .where("id", "=", id)
      .execute();
    return id;
  }
  const { insertId } = await trx
    .insertInto("oms_db.oms_intervention")
    .values({
      kind,
      action,
      selection: selection.slice(0, MAX_SELECTION_LENGTH).toWellFormed(),
      affected,
      caller,
      operator,
      authenticated_operator: authenticatedOperator,
      reason,
      record_time: sql`now(3)`,
    })
    .executeTakeFirstOrThrow();
  return insertId as bigint;
}

/** A recorded intervention. */
export interface InterventionRow extends Operator {
  /** Grows with time. */
  readonly id: bigint;
  readonly kind: InterventionKind;
  readonly action: string;
  /** Description of the selected events; "" for pause and resume. */
  readonly selection: string;
  /** Number of events changed. */
  readonly affected: number;
  readonly caller: string;
  readonly reason: string;
  readonly time: Date;
}

/**
 * Interventions, newest first.
 *
 * @param action undefined for all
 * @param below only rows with a lower id; undefined starts at the newest
 */
export async function readInterventions(
  db: Kysely<Database>,
  {
    action,
    below,
    limit,
  }: { readonly action: string | undefined; readonly below: bigint | undefined; readonly limit: number },
): Promise<InterventionRow[]> {
  const rows = await db
    .selectFrom("oms_db.oms_intervention")
    .selectAll()
    .$if(action !== undefined, (query) => query.where("action", "=", action as string))
    .$if(below !== undefined, (query) => query.where("id", "<", below as bigint))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ record_time, authenticated_operator, ...row }) => ({
    ...row,
    authenticatedOperator: authenticated_operator,
    time: record_time,
  }));
}

/**
 * Discards parked entries, in one transaction; then deletes the outbox rows that no other Action
 * needs.
 */
export async function discard(
  { db }: InterventionDeps,
  ids: readonly bigint[],
  intervention: Intervention,
): Promise<InterventionResult> {
  if (ids.length === 0) {
    return { count: 0, interventionId: intervention.id };
  }
  const { outboxIds, ...result } = await inTransaction(db, async (trx) => {
    const rows = await trx
      .selectFrom("oms_db.oms_action_ledger")
      .select(["id", "outbox_id"])
      .where("id", "in", idList(ids))
      .where("state", "=", "PARKED")
      .orderBy("id")
      .forUpdate()
      .execute();
    if (rows.length === 0) {
      return { count: 0, interventionId: intervention.id, outboxIds: [] };
    }
    const interventionId = await writeIntervention(trx, intervention, rows.length);
    await trx
      .updateTable("oms_db.oms_action_ledger")
      .set({
        state: "DISCARDED",
        next_attempt_time: null,
        finish_time: sql<Date>`now(3)`,
        intervention_id: interventionId,
      })
      .where("id", "in", idList(rows.map(({ id }) => id)))
      .execute();
    return { count: rows.length, interventionId, outboxIds: rows.map(({ outbox_id }) => outbox_id) };
  });
  await deleteFinished(db, [...new Set(outboxIds)]);
  return result;
}
