import { setTimeout as delay } from "node:timers/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { expect, onTestFinished, test, vi } from "vitest";
import { useNats, useOwnMariadb, useRedis } from "../../support/servers.ts";
import { startService } from "../../support/service.ts";

vi.setConfig({ testTimeout: 120_000 });

const mariadb = useOwnMariadb();
const nats = useNats();
const redis = useRedis();

/** A server has started when it sends at most this many statements in this time (ms). */
const QUIET = { statements: 4, ms: 2_000 };

/** Two renewals of a lease and ten polls of the ledger, in milliseconds. */
const MEASURED_MS = 20_000;

/** Maximum statements of a server while it is measured: one per second, and two at the edges. */
const MAX_STATEMENTS = MEASURED_MS / 1_000 + 2;

/** Maximum statements of a server without leases: its polls of the ledger and of the leases. */
const MAX_WITHOUT_LEASE = 15;

async function startServer(): Promise<void> {
  const endpoints = { natsUrl: nats.url, redisUrl: redis.url };
  const service = await startService({ url: mariadb.url, prefix: "" }, endpoints, { OMS_ROLE: "all" });
  onTestFinished(() => service.stop());
}

/** The statements that the servers send while nothing happens, with their numbers. */
async function measure(connection: Connection): Promise<{ readonly total: number; readonly list: string }> {
  // Its connections are open, and it has its leases.
  while ((await statements(connection, QUIET.ms)).total > QUIET.statements) {}
  return statements(connection, MEASURED_MS);
}

/** The statements of this time (ms). */
async function statements(connection: Connection, ms: number): Promise<{ total: number; list: string }> {
  await connection.query("truncate table mysql.general_log");
  await connection.query("set global general_log = on");
  await delay(ms);
  await connection.query("set global general_log = off");
  const [rows] = await connection.query<RowDataPacket[]>(
    "select left(argument, 120) as statement, count(*) as count from mysql.general_log" +
      " where thread_id <> connection_id() and command_type = 'Query'" +
      " group by regexp_replace(left(argument, 120), '[0-9]+', '') order by 2 desc",
  );
  const total = rows.reduce((sum, { count }) => sum + Number(count), 0);
  return { total, list: rows.map((row) => `${row.count} × ${row.statement}`).join("\n") };
}

test("an idle server sends at most one statement per second, however many servers there are", async () => {
  const connection = await createConnection(mariadb.url);
  onTestFinished(() => connection.end());
  await connection.query("set global log_output = 'TABLE'");
  await startServer();
  const alone = await measure(connection);
  expect(alone.total, alone.list).toBeLessThanOrEqual(MAX_STATEMENTS);
  // It polls at all.
  expect(alone.total).toBeGreaterThan(MAX_STATEMENTS / 4);
  await startServer();
  await startServer();
  const three = await measure(connection);
  expect(three.total, three.list).toBeLessThanOrEqual(MAX_STATEMENTS + 2 * MAX_WITHOUT_LEASE);
});
