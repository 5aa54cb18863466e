import { type Kysely, sql, type Transaction } from "kysely";
import { idList } from "../mysql/id-list.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import { deleteFinished } from "../outbox/outbox.ts";
import type { Database, InterventionKind } from "../schema.ts";

/** What a person does about an Action, and why. */
export interface Intervention {
  readonly kind: InterventionKind;
  readonly action: string;
  /** Which events are meant, for people; "" for pause and resume. */
  readonly selection: string;
  readonly caller: string;
  readonly operator: string;
  readonly reason: string;
  /** Where it has been written down already, and concerns further events: its id. */
  readonly id?: bigint | undefined;
}

/** What came of an intervention in one transaction. */
export interface InterventionResult {
  /** How many events it concerned there. */
  readonly count: number;
  /** Where it is written down; undefined where it has concerned nothing so far. */
  readonly interventionId: bigint | undefined;
}

/** Characters that the column selection holds. */
const MAX_SELECTION_LENGTH = 1_024;

/** Writes down who did what and why, or that it concerned so many events more. Returns its id. */
export async function writeIntervention(
  trx: Transaction<Database>,
  { kind, action, selection, caller, operator, reason, id }: Intervention,
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
      reason,
      record_time: sql`now(3)`,
    })
    .executeTakeFirstOrThrow();
  return insertId as bigint;
}

/** What a person did about an Action, and why. */
export interface InterventionRow {
  /** Grows with time. */
  readonly id: bigint;
  readonly kind: InterventionKind;
  readonly action: string;
  /** Which events were meant, for people; "" for pause and resume. */
  readonly selection: string;
  /** How many events it concerned. */
  readonly affected: number;
  readonly caller: string;
  readonly operator: string;
  readonly reason: string;
  readonly time: Date;
}

/**
 * What people did, newest first.
 *
 * @param action undefined for all
 * @param below only with a lower id; undefined from the newest on
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
  return rows.map(({ record_time, ...row }) => ({ ...row, time: record_time }));
}

/** Gives parked ledger rows up for good, in one transaction; then their events go that nobody else needs. */
export async function discard(
  { db }: ChangeDeps,
  ids: readonly bigint[],
  intervention: Intervention,
): Promise<InterventionResult> {
  if (ids.length === 0) {
    return { count: 0, interventionId: intervention.id };
  }
  const { outboxIds, ...intervened } = await inTransaction(db, async (trx) => {
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
  return intervened;
}
