import type { Kysely } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList } from "../mysql/id-list.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { ActionState, Database } from "../schema.ts";

/** Turns an event into what travels. Given by the caller, as the store knows nothing of the wire. */
export type EventEncoder = (event: OrderEvent) => {
  readonly subject: string;
  readonly eventType: string;
  readonly body: Uint8Array;
};

/** An event as it is kept until the broker must have it. */
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

/** An event that is committed, with its row in the outbox. */
export interface CommittedEvent {
  readonly event: OrderEvent;
  readonly row: OutboxRow;
}

/** A subscriber that asks for an event. */
export interface Subscription {
  /** Its name. */
  readonly action: string;
  /** For a timer: when it goes off. */
  readonly due?: Date;
}

/** What everybody needs who writes events. */
export interface EventDeps {
  readonly encode: EventEncoder;
  /** Who asks for an event: each gets a row in the ledger. */
  readonly subscriptionsFor: (event: OrderEvent) => readonly Subscription[];
  /** How long a ledger row may stay PENDING before it is run from the database, in milliseconds. */
  readonly ledgerWatchMs: number;
}

/** Commits that are under way at once may get their ids, here and in the history, in another order than their times: so far apart at most, in milliseconds. */
export const MAX_COMMIT_SKEW_MS = 60_000;

/** The Action still needs the event's row: it is rebuilt from it. */
export const OPEN_STATES = ["PENDING", "RETRYING", "PARKED"] as const satisfies readonly ActionState[];

/**
 * Rows that are not known to be with the broker and older than `olderThanMs`, in the order of their ids: what a crash or a broker's
 * loss left.
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
  // Ids grow with time: a condition on the time would have the database search all young rows for an old one.
  const before = db.clock.now().getTime() - olderThanMs;
  const young = rows.findIndex(({ record_time }) => record_time.getTime() > before);
  return rows.slice(0, young === -1 ? rows.length : young).map(toOutboxRow);
}

/** The first row behind an id, published or not: found by the key alone, however many there are. */
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

/** The columns of an `OutboxRow`. */
export const OUTBOX_COLUMNS = [
  "id",
  "message_id",
  "order_id",
  "subject",
  "event_type",
  "body",
  "record_time",
  "traceparent",
] as const;

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

/** Rows that one statement deletes: long enough to be quick, short enough not to hold anybody up. */
const CHUNK = 1_000;

/**
 * Deletes rows that the broker has for sure. A row whose event an Action is not done with (it may be parked for days) is kept and
 * marked as published, so that it is not sent again; it goes when the last Action is done with it.
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
      // An Action may have been done between the look at the ledger and the mark, and have found no mark.
      await deleteFinished(db, kept);
    }
  }
}

/** Deletes those of the rows that are published and that no Action needs any more. To be called after an Action's late end. */
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

/** The rows whose events an Action is not done with. */
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

/** How much is in the outbox. */
export interface OutboxBacklog {
  /** About how many rows, published ones among them: as the database's own planner knows it, as counting takes half a second a million. */
  readonly rows: number;
  /** The first row that is not marked as published. */
  readonly oldest: { readonly id: bigint; readonly recordTime: Date } | undefined;
}

/** @param fromId where the look for the oldest row begins: rows before it are known to be published */
export async function readBacklog(db: Kysely<Database>, fromId: bigint): Promise<OutboxBacklog> {
  const [[plan], oldest] = await Promise.all([
    db.selectFrom("oms_db.oms_outbox").select("id").explain<{ readonly rows: bigint | number | string | null }>(),
    db
      .selectFrom("oms_db.oms_outbox")
      .select(["id", "record_time as recordTime"])
      .where("id", ">=", fromId)
      .where("published", "=", 0)
      .orderBy("id")
      .limit(1)
      .executeTakeFirst(),
  ]);
  return { rows: Number(plan?.rows ?? 0), oldest };
}
