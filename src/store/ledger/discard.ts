import { sql } from "kysely";
import { idList } from "../mysql/id-list.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import { deleteFinished } from "../outbox/outbox.ts";
import { type Intervention, type InterventionResult, writeIntervention } from "./intervention.ts";

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
