import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { startRetention } from "../../../src/jobs/retention/index.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { useStore } from "../store/fixture.ts";
import { countRows, insertPast, KEEP } from "./fixture.ts";

const { db, url, prefix } = useStore();
const LOCK = `oms-retention:${prefix}`;

/** The connection that has the right to the upkeep; null where nobody has. */
async function leader(): Promise<bigint | null> {
  const { rows } = await sql<{ id: bigint | null }>`select is_used_lock(${LOCK}) as id`.execute(db);
  return rows[0]?.id ?? null;
}

function start({ keep = KEEP, everyMs = 20 } = {}) {
  const metrics = createMetrics();
  const upkeep = startRetention({ db, log: createLogger("silent"), metrics, periods: keep, intervalMs: everyMs });
  onTestFinished(() => upkeep.stop());
  const deleted = async () => {
    const { values } = await metrics.retentionDeletedRows.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.table, value]));
  };
  return { ...upkeep, metrics, deleted };
}

const gone = (orderId: bigint) =>
  eventually(async () => expect(await countRows(db, orderId)).toMatchObject({ history: 0, ledger: 0 }));

test("what is old goes, pass after pass, and is counted", async () => {
  const orderId = await insertPast(db);
  const { deleted, metrics } = start();
  await gone(orderId);
  await gone(await insertPast(db));
  await eventually(async () => expect(await deleted()).toMatchObject({ history: 6, ledger: 6 }));
  expect(
    (await metrics.retentionStepDuration.get()).values.find(({ metricName }) => metricName?.endsWith("count"))?.value,
  ).toBeGreaterThan(4);
  await eventually(async () => expect((await metrics.retentionLastPass.get()).values[0]?.value).toBeGreaterThan(1e9));
});

test("of several servers one does it, and when it ends another one", async () => {
  const servers = [start(), start(), start()];
  await gone(await insertPast(db));
  const first = await leader();
  await gone(await insertPast(db));
  expect(await leader()).toBe(first);
  const counts = await Promise.all(servers.map(({ deleted }) => deleted()));
  const busy = counts.findIndex((count) => "history" in count);
  expect(counts.filter((count) => "history" in count)).toHaveLength(1);

  await servers[busy]?.stop();
  await gone(await insertPast(db));
  expect(await leader()).not.toBe(first);
});

test("a lost connection is a lost right; it goes on later", async () => {
  start();
  await gone(await insertPast(db));
  const lost = await leader();
  await sql`kill ${sql.raw(String(lost))}`.execute(db);
  await gone(await insertPast(db));
  await eventually(async () => expect(await leader()).not.toBeNull());
  expect(await leader()).not.toBe(lost);
});

test("it does not begin while another one of the same databases is at it, of others' it does", async () => {
  const other = openDatabase({ url, connections: 1 });
  onTestFinished(() => other.destroy());
  await sql`select get_lock('oms-retention:', 0), get_lock(${LOCK}, 0)`.execute(other);
  const orderId = await insertPast(db);
  start();
  const free = await insertPast(db, { status: Status.PAID });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await countRows(db, orderId)).toMatchObject({ history: 3 });
  await sql`do release_lock(${LOCK})`.execute(other);
  await gone(orderId);
  expect(await countRows(db, free)).toMatchObject({ history: 3 });
});

test("where everything is kept for good it does nothing at all", async () => {
  await eventually(async () => expect(await leader()).toBeNull());
  const orderId = await insertPast(db);
  const forGood = { historyMs: Number.POSITIVE_INFINITY, requestLogMs: Number.POSITIVE_INFINITY };
  const { stop } = start({ keep: forGood });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await leader()).toBeNull();
  await stop();
  expect(await countRows(db, orderId)).toMatchObject({ history: 3, ledger: 3 });
});

test("stopping does not wait for the next pass", async () => {
  const { stop } = start({ everyMs: 3_600_000 });
  await eventually(async () => expect(await leader()).not.toBeNull());
  await stop();
  await eventually(async () => expect(await leader()).toBeNull());
});
