import { sql } from "kysely";
import type { StatusChanged } from "../../domain/events.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { CommittedEvent } from "../outbox/outbox.ts";
import { type PreparedEvent, prepareEvent, writeOutbox } from "../outbox/write-events.ts";
import {
  type Intervention,
  type InterventionDeps,
  type InterventionResult,
  writeIntervention,
} from "./interventions.ts";

/**
 * Adds ledger entries for status changes that an Action has none of, due now, in one transaction. A
 * change older than `publishAfter` is delivered from the database, to this Action alone, as the
 * others had its message long ago. A younger one may not be published yet, and is published like
 * any event.
 */
export async function redeliverFromHistory(
  deps: InterventionDeps,
  changes: readonly StatusChanged[],
  intervention: Intervention,
  publishAfter: Date,
): Promise<InterventionResult> {
  const { action } = intervention;
  const { unpublished, ...result } = await inTransaction(
    deps.db,
    async (trx) => {
      const present = await trx
        .selectFrom("oms_db.oms_action_ledger")
        .select("message_id")
        .where("action", "=", action)
        .where(
          "message_id",
          "in",
          changes.map(({ messageId }) => messageId),
        )
        .execute();
      const known = new Set(present.map(({ message_id }) => message_id));
      const events = changes
        .filter(({ messageId }) => !known.has(messageId))
        .map((change) => prepareEvent(change, { ...deps, subscriptionsFor: () => [{ action }] }));
      if (events.length === 0) {
        return { count: 0, interventionId: intervention.id, unpublished: [] };
      }
      const interventionId = await writeIntervention(trx, intervention, events.length);
      const isYoung = ({ row }: PreparedEvent) => row.recordTime > publishAfter;
      const old = events.filter((event) => !isYoung(event));
      const young = events.filter(isYoung);
      const written = [
        ...(old.length === 0 ? [] : await writeOutbox(trx, old, true)),
        ...(young.length === 0 ? [] : await writeOutbox(trx, young)),
      ];
      await trx
        .insertInto("oms_db.oms_action_ledger")
        .values(
          written.map(({ row: { id, messageId, orderId, recordTime } }: CommittedEvent) => ({
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
      return { count: written.length, interventionId, unpublished: written.slice(old.length) };
    },
    // A duplicate key means that another call added an entry meanwhile: the retry finds it.
    ["deadlock", "lock-timeout", "duplicate-key"],
  );
  if (result.count > 0) {
    deps.onDue?.();
  }
  if (unpublished.length > 0) {
    deps.onCommitted(unpublished);
  }
  return result;
}
