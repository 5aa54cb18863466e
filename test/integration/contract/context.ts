import { sql } from "kysely";
import { expect } from "vitest";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import type { Clients } from "../../support/clients.ts";
import type { LegacyClients } from "../legacy/client.ts";
import { eventually } from "../transport/eventually.ts";
import type { Coverage } from "./coverage.ts";

/**
 * What tests of the legacy operations use: clients, their coverage of the contract, and the
 * database.
 */
export interface LegacyContractApi extends Coverage {
  /** Client over the tested transport. */
  readonly client: LegacyClients["client"];
  readonly reversal: LegacyClients["reversal"];
  readonly db: OrderDatabase;
}

/** What tests of operations without legacy counterpart use. */
export interface ContractApi extends LegacyContractApi {
  readonly client: Clients["client"];
  readonly reversal: Clients["reversal"];
}

/**
 * The committed events of an order, oldest first: subject and message id, without its random part.
 */
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

/** The status history of an order, oldest first. */
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

/** Locks the row of an order, as another system could, until `unlock`. */
export async function lockRow(db: OrderDatabase, orderId: bigint) {
  const acquired = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const locked = db.transaction().execute(async (trx) => {
    await trx
      .selectFrom("oms_db.oms_order_status")
      .select("order_id")
      .where("order_id", "=", orderId)
      .forUpdate()
      .execute();
    acquired.resolve();
    await release.promise;
  });
  await acquired.promise;
  return { locked, unlock: release.resolve };
}

/** Resolves when a statement waits for the row of an order. */
export async function waitsForLock(db: OrderDatabase, orderId: bigint): Promise<void> {
  await eventually(async () => {
    const { rows } = await sql`
      select 1 from information_schema.processlist
      where id <> connection_id() and command = 'Query' and time_ms > ${LOCK_WAIT_MS} and info like ${`%${orderId}%`}`.execute(
      db,
    );
    expect(rows).not.toEqual([]);
  });
}

/**
 * Duration after which a statement is assumed to wait for a lock, in milliseconds. The server's
 * table of lock waits is cached: it is refreshed only after 0.1 s without a read, by any test.
 */
const LOCK_WAIT_MS = 200;
