import { sql, type Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import { type Literal, valuesClause } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";
import { type CommittedEvent, type EventDeps, NEW_ROW_COLUMNS, type OutboxRow, type Subscription } from "./outbox.ts";

/** An encoded event: its outbox row without id, and the Actions that match it. */
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

/** When a PENDING row is first due from the database: until then the broker's message is faster. */
export function firstDueTime(recordTime: Date, ledgerWatchMs: number): Date {
  return new Date(recordTime.getTime() + ledgerWatchMs);
}

/**
 * Writes events to the outbox, in the transaction of their change.
 *
 * @param events at least one
 * @param published marks them as published: the broker had them before, so they are not sent again
 */
export async function writeOutbox(
  trx: Transaction<Database>,
  events: readonly Pick<PreparedEvent, "event" | "row">[],
  published = false,
): Promise<CommittedEvent[]> {
  const { insertId } = await sql`insert into ${sql.table("oms_db.oms_outbox")}
    ${sql.raw(outboxValues(events, published))}`.execute(trx);
  const firstId = insertId as bigint;
  const step = events.length === 1 ? 1n : await autoIncrementStep(trx);
  return events.map(({ event, row }, index) => ({ event, row: { id: firstId + step * BigInt(index), ...row } }));
}

/** Distance of the ids of one insert's rows: 1, except on a cluster with several writers. */
async function autoIncrementStep(trx: Transaction<Database>): Promise<bigint> {
  const { rows } = await sql<{ step: bigint }>`select @@auto_increment_increment as step`.execute(trx);
  return BigInt(rows[0]?.step ?? 1);
}

/** `(columns) values …` of events' outbox rows. */
export function outboxValues(events: readonly Pick<PreparedEvent, "row">[], published = false): string {
  const rows = events.map(({ row }): Literal[] => [
    row.messageId,
    row.orderId,
    row.subject,
    row.eventType,
    row.body,
    row.recordTime,
    row.traceparent,
    ...(published ? [1] : []),
  ]);
  return valuesClause(published ? [...NEW_ROW_COLUMNS, "published"] : NEW_ROW_COLUMNS, rows);
}
