import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { startRetention } from "../../../src/jobs/retention/index.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { useStore } from "../store/fixture.ts";
import { countRows, insertPast, PERIODS } from "./fixture.ts";

const { db, url, prefix } = useStore();
const LOCK = `oms-retention:${prefix}`;

/** Id of the connection that holds the job's lock; null if none does. */
async function leader(): Promise<bigint | null> {
  const { rows } = await sql<{ id: bigint | null }>`select is_used_lock(${LOCK}) as id`.execute(db);
  return rows[0]?.id ?? null;
}

function start({ periods = PERIODS, intervalMs = 20 } = {}) {
  const metrics = createMetrics();
  const retention = startRetention({
    location: db.location,
    log: createLogger("silent"),
    metrics,
    periods,
    intervalMs,
  });
  onTestFinished(() => retention.stop());
  const deleted = async () => {
    const { values } = await metrics.retentionDeletedRows.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.table, value]));
  };
  return { ...retention, metrics, deleted };
}

const purged = (orderId: bigint) =>
  eventually(async () => expect(await countRows(db, orderId)).toMatchObject({ history: 0, ledger: 0 }));

test("each pass deletes old rows, and counts them", async () => {
  const orderId = await insertPast(db);
  const { deleted, metrics } = start();
  await purged(orderId);
  await purged(await insertPast(db));
  await eventually(async () => expect(await deleted()).toMatchObject({ history: 6, ledger: 6 }));
  expect(
    (await metrics.retentionStepDuration.get()).values.find(({ metricName }) => metricName?.endsWith("count"))?.value,
  ).toBeGreaterThan(4);
  await eventually(async () => expect((await metrics.retentionLastPass.get()).values[0]?.value).toBeGreaterThan(1e9));
});

test("one of several servers runs the job, and another one when it stops", async () => {
  const servers = [start(), start(), start()];
  await purged(await insertPast(db));
  const first = await leader();
  await purged(await insertPast(db));
  expect(await leader()).toBe(first);
  const counts = await Promise.all(servers.map(({ deleted }) => deleted()));
  const busy = counts.findIndex((count) => "history" in count);
  expect(counts.filter((count) => "history" in count)).toHaveLength(1);

  await servers[busy]?.stop();
  await purged(await insertPast(db));
  expect(await leader()).not.toBe(first);
});

test("a server whose connection is lost loses the lock, and the job is resumed", async () => {
  start();
  await purged(await insertPast(db));
  const lost = await leader();
  await sql`kill ${sql.raw(String(lost))}`.execute(db);
  await purged(await insertPast(db));
  await eventually(async () => expect(await leader()).not.toBeNull());
  expect(await leader()).not.toBe(lost);
});

test("the job waits for a lock of the same databases, and ignores one of other databases", async () => {
  const other = openDatabase({ url, connections: 1 });
  onTestFinished(() => other.destroy());
  await sql`select get_lock('oms-retention:', 0), get_lock(${LOCK}, 0)`.execute(other);
  const orderId = await insertPast(db);
  start();
  const free = await insertPast(db, { status: Status.PAID });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await countRows(db, orderId)).toMatchObject({ history: 3 });
  await sql`do release_lock(${LOCK})`.execute(other);
  await purged(orderId);
  expect(await countRows(db, free)).toMatchObject({ history: 3 });
});

test("the job does not start where everything is kept forever", async () => {
  await eventually(async () => expect(await leader()).toBeNull());
  const orderId = await insertPast(db);
  const { stop } = start({
    periods: { historyMs: Number.POSITIVE_INFINITY, requestLogMs: Number.POSITIVE_INFINITY },
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await leader()).toBeNull();
  await stop();
  expect(await countRows(db, orderId)).toMatchObject({ history: 3, ledger: 3 });
});

test("stopping does not wait for the next pass", async () => {
  const { stop } = start({ intervalMs: 3_600_000 });
  await eventually(async () => expect(await leader()).not.toBeNull());
  await stop();
  await eventually(async () => expect(await leader()).toBeNull());
});
