import { sql } from "kysely";
import type { StatusChanged } from "../../domain/events.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import { type PreparedEvent, prepareEvent, writeOutbox } from "../outbox/append-events.ts";
import type { CommittedEvent } from "../outbox/outbox.ts";
import { type Intervention, type InterventionResult, writeIntervention } from "./interventions.ts";

/**
 * Gives an Action status changes that it never heard of, due now, in one transaction. What is older than `publishAfter` everybody else had
 * long ago: it goes to this Action alone, from the database. What is younger may still be on its way to the broker, and is published like
 * any event.
 */
export async function redeliverFromHistory(
  deps: ChangeDeps,
  changes: readonly StatusChanged[],
  intervention: Intervention,
  publishAfter: Date,
): Promise<InterventionResult> {
  const { action } = intervention;
  const { young, ...intervened } = await inTransaction(
    deps.db,
    async (trx) => {
      const heard = await trx
        .selectFrom("oms_db.oms_action_ledger")
        .select("message_id")
        .where("action", "=", action)
        .where(
          "message_id",
          "in",
          changes.map(({ messageId }) => messageId),
        )
        .execute();
      const known = new Set(heard.map(({ message_id }) => message_id));
      const events = changes
        .filter(({ messageId }) => !known.has(messageId))
        .map((change) => prepareEvent(change, { ...deps, subscriptionsFor: () => [{ action }] }));
      if (events.length === 0) {
        return { count: 0, interventionId: intervention.id, young: [] };
      }
      const interventionId = await writeIntervention(trx, intervention, events.length);
      const isYoung = ({ row }: PreparedEvent) => row.recordTime > publishAfter;
      const old = events.filter((event) => !isYoung(event));
      const fresh = events.filter(isYoung);
      const told = [
        ...(old.length === 0 ? [] : await writeOutbox(trx, old, true)),
        ...(fresh.length === 0 ? [] : await writeOutbox(trx, fresh)),
      ];
      await trx
        .insertInto("oms_db.oms_action_ledger")
        .values(
          told.map(({ row: { id, messageId, orderId, recordTime } }: CommittedEvent) => ({
            message_id: messageId,
            action,
            order_id: orderId,
            outbox_id: id,
            state: "PENDING" as const,
            next_attempt_time: sql<Date>`now(3)`,
            first_time: recordTime,
            intervention_id: interventionId,
          })),
        )
        .execute();
      return { count: told.length, interventionId, young: told.slice(old.length) };
    },
    // Somebody else gave it to the Action meanwhile: another look finds that.
    ["deadlock", "lock-timeout", "duplicate-key"],
  );
  if (young.length > 0) {
    deps.onCommitted(young);
  }
  return intervened;
}
