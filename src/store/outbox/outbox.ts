import type { Kysely } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { ActionState, Database } from "../schema.ts";

/** Encodes an event as a message. Injected, as the store does not know the wire format. */
export type EventEncoder = (event: OrderEvent) => {
  readonly subject: string;
  readonly eventType: string;
  readonly body: Uint8Array;
};

/** An event in the outbox, kept until the broker must have synced it. */
export interface OutboxRow {
  readonly id: bigint;
  readonly messageId: string;
  readonly orderId: bigint;
  readonly subject: string;
  readonly eventType: string;
  readonly body: Uint8Array;
  readonly recordTime: Date;
  readonly traceparent: string;
}

/** A committed event with its outbox row. */
export interface CommittedEvent {
  readonly event: OrderEvent;
  readonly row: OutboxRow;
}

/** An Action that matches an event. */
export interface Subscription {
  /** Name of the Action. */
  readonly action: string;
  /** Due time of a timer. */
  readonly due?: Date;
}

/** What is needed to write events. */
export interface EventDeps {
  readonly encode: EventEncoder;
  /** The Actions that match an event: each gets a row in the ledger. */
  readonly subscriptionsFor: (event: OrderEvent) => readonly Subscription[];
  /** Delay after which a PENDING ledger row is run from the database, in milliseconds. */
  readonly ledgerWatchMs: number;
}

/**
 * Concurrent commits can get their ids, here and in the history, in another order than their times.
 * Maximum distance of such commits, in milliseconds.
 */
export const MAX_COMMIT_SKEW_MS = 60_000;

/** States in which an Action still needs the event's outbox row. */
export const OPEN_STATES = ["PENDING", "RETRYING", "PARKED"] as const satisfies readonly ActionState[];

/**
 * Rows older than `olderThanMs` that are not marked as published, by id: left by a crash, or lost
 * by the broker.
 */
export async function readUnpublished(
  db: OrderDatabase,
  { olderThanMs, afterId, limit }: { readonly olderThanMs: number; readonly afterId: bigint; readonly limit: number },
): Promise<OutboxRow[]> {
  const rows = await db
    .selectFrom("oms_db.oms_outbox")
    .select(OUTBOX_COLUMNS)
    .where("id", ">", afterId)
    .where("published", "=", 0)
    .orderBy("id")
    .limit(limit)
    .execute();
  // Ids grow with time: a condition on the time would make the database search all young rows for
  // an old one.
  const before = db.clock.now().getTime() - olderThanMs;
  const young = rows.findIndex(({ record_time }) => record_time.getTime() > before);
  return rows.slice(0, young === -1 ? rows.length : young).map(toOutboxRow);
}

/** The first row after an id, published or not: found by the primary key. */
export async function readRowAfter(
  db: Kysely<Database>,
  id: bigint,
): Promise<{ readonly id: bigint; readonly recordTime: Date } | undefined> {
  return db
    .selectFrom("oms_db.oms_outbox")
    .select(["id", "record_time as recordTime"])
    .where("id", ">", id)
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
}

/** Columns of a new row. */
export const NEW_ROW_COLUMNS = [
  "message_id",
  "order_id",
  "subject",
  "event_type",
  "body",
  "record_time",
  "traceparent",
] as const;

/** Columns of an `OutboxRow`. */
export const OUTBOX_COLUMNS = ["id", ...NEW_ROW_COLUMNS] as const;

export function toOutboxRow(row: {
  id: bigint;
  message_id: string;
  order_id: bigint;
  subject: string;
  event_type: string;
  body: Buffer;
  record_time: Date;
  traceparent: string;
}): OutboxRow {
  return {
    id: row.id,
    messageId: row.message_id,
    orderId: row.order_id,
    subject: row.subject,
    eventType: row.event_type,
    body: row.body,
    recordTime: row.record_time,
    traceparent: row.traceparent,
  };
}

/** Maximum number of rows deleted by one statement: some milliseconds of locks. */
const CHUNK = 1_000;

/**
 * Deletes rows that the broker is certain to have. A row that an Action still needs (its entry may
 * be parked for days) is kept and marked as published, so that it is not sent again; it is deleted
 * when the last Action no longer needs it.
 */
export async function deletePublished(db: Kysely<Database>, ids: readonly bigint[]): Promise<void> {
  for (let start = 0; start < ids.length; start += CHUNK) {
    const chunk = ids.slice(start, start + CHUNK);
    const needed = await readNeeded(db, chunk);
    await deleteRows(
      db,
      chunk.filter((id) => !needed.has(id)),
    );
    if (needed.size > 0) {
      const kept = [...needed];
      await withRetries(() =>
        db.updateTable("oms_db.oms_outbox").set({ published: 1 }).where("id", "in", idList(kept)).execute(),
      );
      // An Action may have ended between the read of the ledger and the mark.
      await deleteFinished(db, kept);
    }
  }
}

/**
 * Deletes those of the rows that are published and not needed by any Action. Called when an Action
 * ends late.
 */
export async function deleteFinished(db: Kysely<Database>, ids: readonly bigint[]): Promise<void> {
  if (ids.length === 0) {
    return;
  }
  const published = await db
    .selectFrom("oms_db.oms_outbox")
    .select("id")
    .where("id", "in", idList(ids))
    .where("published", "=", 1)
    .execute();
  const candidates = published.map(({ id }) => id);
  const needed = await readNeeded(db, candidates);
  await deleteRows(
    db,
    candidates.filter((id) => !needed.has(id)),
  );
}

/** Those of the rows that an Action still needs. */
async function readNeeded(db: Kysely<Database>, ids: readonly bigint[]): Promise<Set<bigint>> {
  if (ids.length === 0) {
    return new Set();
  }
  const rows = await db
    .selectFrom("oms_db.oms_outbox as o")
    .innerJoin("oms_db.oms_action_ledger as l", (join) =>
      join.onRef("l.message_id", "=", "o.message_id").onRef("l.outbox_id", "=", "o.id"),
    )
    .select("o.id")
    .distinct()
    .where("o.id", "in", idList(ids))
    .where("l.state", "in", OPEN_STATES)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

async function deleteRows(db: Kysely<Database>, ids: readonly bigint[]): Promise<void> {
  if (ids.length > 0) {
    await withRetries(() => db.deleteFrom("oms_db.oms_outbox").where("id", "in", idList(ids)).execute());
  }
}

/** A row of the outbox, without its event. */
export interface OldestRow {
  readonly id: bigint;
  readonly recordTime: Date;
}

/**
 * The first row not marked as published.
 *
 * @param afterId all rows up to this one are published
 */
export async function readOldestUnpublished(db: Kysely<Database>, afterId: bigint): Promise<OldestRow | undefined> {
  return db
    .selectFrom("oms_db.oms_outbox")
    .select(["id", "record_time as recordTime"])
    .where("id", ">", afterId)
    .where("published", "=", 0)
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
}

/**
 * Estimated number of rows, published or not, from the query planner: counting takes half a second
 * per million. The default format of MySQL 9.7 has no columns.
 */
export async function estimateRows(db: Kysely<Database>): Promise<number> {
  const [plan] = await db
    .selectFrom("oms_db.oms_outbox")
    .select("id")
    .explain<{ readonly rows: bigint | number | string | null }>("traditional");
  return Number(plan?.rows ?? 0);
}
