import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { systemVariables } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { freshIds, insertOrders, type Order } from "../../../tools/demo/orders.ts";
import { openStream } from "../../../tools/demo/stream.ts";
import { receivedBy } from "../../../tools/demo/stub-systems.ts";
import { type OwnServer, useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { type ServiceProcess, startProcess } from "./process.ts";

/** Effects by Action as the receivers saw them: message ids, one for each time. */
export type Effects = Record<string, string[]>;

/** Short times, so that no test waits for the lease of a dead server. */
const TIMING = {
  OMS_LEDGER_SWEEP_DELAY_MS: "1500",
  OMS_LEASE_MS: "1500",
  OMS_ACTION_POLL_MS: "50",
  OMS_RETRY_BASE_MS: "50",
  OMS_RETRY_CAP_MS: "500",
  // No event is parked while a backend is down, however long its restart takes.
  OMS_MAX_ATTEMPTS: "1000",
};

/** Time limit for the effects after the last fault, in milliseconds. */
const EFFECTS_MS = 60_000;

/** Service processes with real backends, and what the receivers of their effects saw. */
export function useHarness() {
  const { url, prefix } = useMariadb();
  const nats: OwnServer = useNats();
  const redis: OwnServer = useRedis();
  const stubSystems = useStubSystems();
  const running = new Set<ServiceProcess>();
  let connection: Connection | undefined;

  const database = async () => {
    connection ??= await createConnection({ uri: url, timezone: "Z", supportBigNumbers: true, bigNumberStrings: true });
    return connection;
  };

  beforeAll(async () => {
    const db = openDatabase({ url, prefix });
    await migrate(db);
    await db.destroy();
  });

  // A service left by a failed test would do the next one's work.
  afterEach(async () => {
    await Promise.all([...running].map((service) => service.kill("SIGKILL")));
  });

  afterAll(async () => {
    await connection?.end();
  });

  const start = async (env: Record<string, string> = {}) => {
    const service = await startProcess({
      ...TIMING,
      OMS_MYSQL_URL: url,
      OMS_DATABASE_PREFIX: prefix,
      OMS_NATS_URL: nats.url,
      OMS_REDIS_URL: redis.url,
      ...systemVariables(stubSystems.urls),
      OMS_LOG_LEVEL: "info",
      ...env,
    });
    running.add(service);
    void service.exited.then(() => running.delete(service));
    return service;
  };

  return {
    nats,
    redis,
    stubSystems,
    start,
    /**
     * Inserts orders that each of the six effects matches when delivered; CREATED, without a
     * version.
     */
    async insertOrders(count: number): Promise<bigint[]> {
      const first = await freshIds(await database(), prefix);
      const orders = Array.from(
        { length: count },
        (_, index): Order => ({
          id: first + BigInt(index),
          kind: "recharge card",
          source: 2001,
          type: 31,
          isParent: false,
          lines: [{ skuId: 7n, quantity: 2 }],
        }),
      );
      await insertOrders(await database(), prefix, orders);
      return orders.map(({ id }) => id);
    },
    /** The effects of these orders since the stream was opened. */
    async effects(ids: readonly bigint[], stream: Awaited<ReturnType<typeof openStream>>): Promise<Effects> {
      const range = { first: ids[0] as bigint, last: ids.at(-1) as bigint };
      const db = await database();
      const select = async (sql: string) =>
        (await db.query<RowDataPacket[]>(sql.replaceAll("$", prefix), [String(range.first), String(range.last)]))[0];
      const settled = await select(
        "select message_id as id from $oms_db.oms_order_status_rule where order_id between ? and ?",
      );
      const gifts = await select(
        "select order_id as id from $wmsindb.oms_gift_cust_record where gift_status = 1 and order_id between ? and ?",
      );
      const notified = new Set((await stream.read(range)).toMarketplaces);
      return {
        "third-party-notify": [...notified].toSorted(),
        "settlement-push": settled.map(({ id }) => id).toSorted(),
        "gift-record": gifts.map(({ id }) => id).toSorted(),
        "e-invoice": await doneOnce(stubSystems.url, "einvoice", range),
        "finance-push": await doneOnce(stubSystems.url, "finance", range),
        "customer-message": await doneOnce(stubSystems.url, "message", range),
      };
    },
    /** Rows of the history with outcome APPLIED, as message ids. */
    async history(ids: readonly bigint[]): Promise<string[]> {
      const [rows] = await (await database()).query<RowDataPacket[]>(
        `select concat(order_id, '-', version) as id from ${prefix}oms_db.oms_status_history
         where outcome = 'APPLIED' and order_id between ? and ? order by order_id, version`,
        [String(ids[0]), String(ids.at(-1))],
      );
      return rows.map(({ id }) => id);
    },
    /** The ledger entries in a state. */
    async ledger(ids: readonly bigint[], state: string) {
      const [rows] = await (await database()).query<RowDataPacket[]>(
        `select action, message_id, last_error from ${prefix}oms_db.oms_action_ledger
         where state = ? and order_id between ? and ? order by id`,
        [state, String(ids[0]), String(ids.at(-1))],
      );
      return rows.map(({ action, message_id, last_error }) => ({
        action,
        messageId: message_id,
        lastError: last_error,
      }));
    },
    /** The event stream from now on; it exists a moment after the service's first start. */
    openStream: () => vi.waitFor(() => openStream(nats.url), { timeout: EFFECTS_MS, interval: 100 }),
    /** Waits until the check succeeds. */
    eventually: (check: () => Promise<void>) => vi.waitFor(check, { timeout: EFFECTS_MS, interval: 100 }),
  };
}

/** The keys that were carried out; receivers deduplicate by key. */
async function doneOnce(url: string, system: string, range: { first: bigint; last: bigint }): Promise<string[]> {
  return [...new Set(await receivedBy(url, system, range))].toSorted();
}

/** The effects due once these orders are PAID (version 1) and DELIVERED (version 2). */
export function dueEffects(ids: readonly bigint[]): Effects {
  const delivered = ids.map((id) => `${id}-2`);
  return {
    "third-party-notify": ids.flatMap((id) => [`${id}-1`, `${id}-2`]).toSorted(),
    "settlement-push": delivered.toSorted(),
    "gift-record": ids.map(String).toSorted(),
    "e-invoice": delivered.toSorted(),
    "finance-push": delivered.toSorted(),
    "customer-message": delivered.toSorted(),
  };
}
