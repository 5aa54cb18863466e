import { sql, type Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import type { Database } from "../schema.ts";
import type { CommittedEvent, EventDeps, OutboxRow, Subscription } from "./outbox.ts";

/** An event that is ready to be written: its row but for the id, and who asks for it. */
export interface PreparedEvent {
  readonly event: OrderEvent;
  readonly row: Omit<OutboxRow, "id">;
  readonly actions: readonly Subscription[];
}

export function prepareEvent(event: OrderEvent, { encode, subscriptionsFor }: EventDeps): PreparedEvent {
  const { messageId, orderId, recordTime, traceparent } = event;
  return {
    event,
    row: { messageId, orderId, ...encode(event), recordTime, traceparent },
    actions: subscriptionsFor(event),
  };
}

/** When a PENDING row is first due: until then the broker's message is quicker. */
export function firstDueTime(recordTime: Date, ledgerWatchMs: number): Date {
  return new Date(recordTime.getTime() + ledgerWatchMs);
}

/** Writes events to the outbox and their PENDING rows to the ledger, in the transaction of the change itself. */
export async function appendEvents(
  trx: Transaction<Database>,
  events: readonly OrderEvent[],
  deps: EventDeps,
): Promise<CommittedEvent[]> {
  if (events.length === 0) {
    return [];
  }
  const prepared = events.map((event) => prepareEvent(event, deps));
  const committed = await writeOutbox(trx, prepared);
  const ledger = committed.flatMap(({ row: { id, messageId, orderId, recordTime } }, index) =>
    (prepared[index] as PreparedEvent).actions.map(({ action, due }) => ({
      message_id: messageId,
      action,
      order_id: orderId,
      outbox_id: id,
      state: "PENDING" as const,
      next_attempt_time: due ?? firstDueTime(recordTime, deps.ledgerWatchMs),
      first_time: recordTime,
    })),
  );
  if (ledger.length > 0) {
    await trx
      .insertInto("oms_db.oms_action_ledger")
      .values(ledger)
      // An event that went out before is the same event: what its Actions made of it stands.
      .onDuplicateKeyUpdate({ message_id: sql.ref("message_id") })
      .execute();
  }
  return committed;
}

/**
 * Writes events to the outbox, in the transaction of what they tell of. Needs at least one.
 *
 * @param published whether the broker had them before: nobody publishes them then
 */
export async function writeOutbox(
  trx: Transaction<Database>,
  events: readonly Pick<PreparedEvent, "event" | "row">[],
  published = false,
): Promise<CommittedEvent[]> {
  const { insertId } = await trx
    .insertInto("oms_db.oms_outbox")
    .values(
      events.map(({ row: { messageId, orderId, subject, eventType, body, recordTime, traceparent } }) => ({
        message_id: messageId,
        order_id: orderId,
        subject,
        event_type: eventType,
        body: Buffer.from(body),
        record_time: recordTime,
        traceparent,
        published: Number(published),
      })),
    )
    .executeTakeFirstOrThrow();
  const firstId = insertId as bigint;
  const step = events.length === 1 ? 1n : await autoIncrementStep(trx);
  return events.map(({ event, row }, index) => ({ event, row: { id: firstId + step * BigInt(index), ...row } }));
}

/** The rows of one insert get ids with this distance: 1, but on a cluster with several writers. */
async function autoIncrementStep(trx: Transaction<Database>): Promise<bigint> {
  const { rows } = await sql<{ step: bigint }>`select @@auto_increment_increment as step`.execute(trx);
  return BigInt(rows[0]?.step ?? 1);
}
