import { sql } from "kysely";
import { expect } from "vitest";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import type { Clients } from "../../support/clients.ts";
import type { LegacyClients } from "../legacy/client.ts";
import { eventually } from "../transport/eventually.ts";
import type { Coverage } from "./coverage.ts";

/** What the tests of the old operations need: a way to call, what it tells, and the tables to look at. */
export interface SuiteContext extends Coverage {
  /** The client of the front that is tested. */
  readonly client: LegacyClients["client"];
  readonly reversal: LegacyClients["reversal"];
  readonly db: OrderDatabase;
}

/** The same for tests of what the old system did not have. */
export interface ContractContext extends SuiteContext {
  readonly client: Clients["client"];
  readonly reversal: Clients["reversal"];
}

/** The events that were committed for an order, oldest first: subject and message id, whose random part is left out. */
export async function eventsOf(db: OrderDatabase, orderId: bigint): Promise<string[]> {
  const rows = await db
    .selectFrom("oms_db.oms_outbox")
    .select(["subject", "message_id"])
    .where("order_id", "=", orderId)
    .orderBy("id")
    .execute();
  return rows.map(
    ({ subject, message_id }) => `${subject} ${message_id.replace(/-[\da-f-]{36}$|-[\da-f]{40}$/, "-*")}`,
  );
}

export async function stateOf(db: OrderDatabase, orderId: bigint) {
  return db
    .selectFrom("oms_db.oms_order_status as s")
    .innerJoin("oms_db.oms_order_main as m", "m.order_id", "s.order_id")
    .select(["order_status", "is_pause", "is_finish", "version", "order_type", "is_payed", "is_refund"])
    .where("s.order_id", "=", orderId)
    .executeTakeFirstOrThrow();
}

/** What is kept of the reports for an order, oldest first. */
export async function historyOf(db: OrderDatabase, orderId: bigint) {
  return db
    .selectFrom("oms_db.oms_status_history")
    .select([
      "version",
      "from_status",
      "to_status",
      "outcome",
      "occur_time",
      "caller",
      "operator",
      "request_id",
      "remark",
    ])
    .where("order_id", "=", orderId)
    .orderBy("id")
    .execute();
}

/** Holds an order's row as another system would, until `unlock`. */
export async function lockRow(db: OrderDatabase, orderId: bigint) {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const locked = db.transaction().execute(async (trx) => {
    await trx
      .selectFrom("oms_db.oms_order_status")
      .select("order_id")
      .where("order_id", "=", orderId)
      .forUpdate()
      .execute();
    held.resolve();
    await release.promise;
  });
  await held.promise;
  return { locked, unlock: release.resolve };
}

/** Resolves when a change of the order waits for its row. */
export async function waitsForLock(db: OrderDatabase, orderId: bigint): Promise<void> {
  await eventually(async () => {
    const { rows } = await sql`
      select 1 from information_schema.processlist
      where id <> connection_id() and command = 'Query' and time_ms > ${STUCK_MS} and info like ${`%${orderId}%`}`.execute(
      db,
    );
    expect(rows).not.toEqual([]);
  });
}

/**
 * A statement that has been under way for so long waits for a lock, in milliseconds. The server has a table of lock waits too, but makes it anew
 * only when nobody, of all tests, has read it for 0.1 s.
 */
const STUCK_MS = 200;
