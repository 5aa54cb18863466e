import { createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkAll } from "../../../faults/checks/index.ts";
import { startWorkload } from "../../../faults/workload/index.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

/**
 * Two services without faults, a small workload and all checks: once undamaged, once with damaged
 * tables.
 */
const location = useMariadb();
const nats = useNats();
const redis = useRedis();
const stubSystems = useStubSystems();
const services: Service[] = [];

const CHANGES = 400;
const DRAIN_MS = 60_000;

beforeAll(async () => {
  const db = openDatabase(location);
  await migrate(db);
  await db.destroy();
  for (let index = 0; index < 2; index += 1) {
    services.push(
      await startService(
        location,
        { natsUrl: nats.url, redisUrl: redis.url, systemUrls: stubSystems.urls },
        { OMS_ROLE: "all", OMS_OUTBOX_RETENTION_MS: "1000", OMS_OUTBOX_SWEEP_MS: "200" },
      ),
    );
  }
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
});

async function runAndCheck(seed: number, damage: (query: (sql: string) => Promise<RowDataPacket[]>) => Promise<void>) {
  const backends = {
    mysqlUrl: location.url,
    natsUrl: nats.url,
    redisUrl: redis.url,
    stubSystemsUrl: stubSystems.url,
    prefix: location.prefix,
  };
  const workload = await startWorkload({
    seed,
    services: services.map(({ grpcPort, httpPort }) => ({
      grpc: `127.0.0.1:${grpcPort}`,
      http: `http://127.0.0.1:${httpPort}`,
    })),
    backends,
    perSecond: 200,
    onCall: () => {},
  });
  await expect.poll(() => workload.events(), { timeout: 60_000 }).toBeGreaterThan(CHANGES);
  const journal = await workload.stop();
  const connection = await createConnection({ uri: location.url, supportBigNumbers: true, bigNumberStrings: true });
  try {
    await damage(async (sql) => {
      const [rows] = await connection.query<RowDataPacket[]>(sql.replaceAll("$", location.prefix));
      return rows;
    });
  } finally {
    await connection.end();
  }
  return checkAll(journal, backends, { timeoutMs: DRAIN_MS });
}

test("finds nothing when nothing is damaged", { timeout: 170_000 }, async () => {
  const { results, events } = await runAndCheck(1, async () => {});
  expect(results.flatMap(({ findings }) => findings)).toEqual([]);
  expect(events).toBeGreaterThan(CHANGES);
  // The ledger may have drained before the check.
  const idle = results.filter(({ name, checked }) => checked === 0 && !name.startsWith("ledger and outbox drained"));
  expect(idle).toEqual([]);
});

test("finds damage in the tables", { timeout: 170_000 }, async () => {
  const { results } = await runAndCheck(2, async (query) => {
    const one = async (sql: string) =>
      Object.values((await query(`${sql} order by order_id desc limit 1`))[0] ?? {})[0];
    // Completed entries are not run again, so the damage stays.
    const done = "select order_id from $oms_db.oms_action_ledger where state = 'DONE' and action =";
    await expect.poll(() => one(`${done} 'settlement-push'`), { timeout: 60_000 }).toBeDefined();
    await expect.poll(() => one(`${done} 'gift-record'`), { timeout: 60_000 }).toBeDefined();
    await query(`delete from $oms_db.oms_order_status_rule where order_id = ${await one(`${done} 'settlement-push'`)}`);
    await query(
      `update $wmsindb.oms_gift_cust_record set gift_status = 0 where order_id = ${await one(`${done} 'gift-record'`)}`,
    );
    const late = await one("select order_id from $oms_db.oms_status_history where outcome = 'STALE'");
    await query(`delete from $oms_db.oms_status_history where outcome = 'STALE' and order_id = ${late}`);
    const unpaid = await one("select order_id from $oms_db.oms_order_status where version = 0");
    await query(`update $oms_db.oms_order_status set order_status = 3010 where order_id = ${unpaid}`);
  });
  const found = Object.fromEntries(
    results
      .filter(({ findings }) => findings.length > 0)
      .map(({ name, findings }) => [name, [...new Set(findings.map(({ kind }) => kind))]]),
  );
  expect(found).toEqual({
    "every accepted request once in the history": ["lost"],
    "legal history, versions without a gap": ["other"],
    "one effect per event and Action, none without a commit": ["lost"],
  });
});
