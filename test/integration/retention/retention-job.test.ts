import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { startRetention } from "../../../src/jobs/retention/index.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestLease } from "../../support/lease.ts";
import { useStore } from "../store/fixture.ts";
import { countRows, insertPast, PERIODS } from "./fixture.ts";

const { db } = useStore();

function start(options: Partial<Parameters<typeof startRetention>[0]> = {}) {
  const metrics = createMetrics();
  const retention = startRetention({
    location: db.location,
    log: createLogger("silent"),
    metrics,
    periods: PERIODS,
    intervalMs: 20,
    ...options,
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

test("the holder of the lease runs the job, and another server when it takes over", async () => {
  const leases = [createTestLease(true), createTestLease(false)];
  const servers = leases.map((lease) => start({ lease }));
  await purged(await insertPast(db));
  const [first, second] = servers.map(({ deleted }) => deleted);
  await eventually(async () => expect(await first?.()).toMatchObject({ history: 3 }));
  expect(await second?.()).toEqual({});

  leases[0]?.move(false);
  leases[1]?.move(true);
  await purged(await insertPast(db));
  await eventually(async () => expect(await second?.()).toMatchObject({ history: 3 }));
});

test("a pass ends when the lease is lost", async () => {
  let steps = 0;
  const lease = { ...createTestLease(true), isHeld: () => steps++ < 2 };
  const orderId = await insertPast(db);
  const { metrics, stop } = start({ lease, intervalMs: 3_600_000 });
  await eventually(async () => expect(steps).toBeGreaterThan(2));
  await stop();
  expect(await countRows(db, orderId)).toMatchObject({ history: 3 });
  expect((await metrics.retentionLastPass.get()).values[0]?.value).toBe(0);
});

test("an interrupted pass is repeated, and orders that have not ended are kept", async () => {
  const free = await insertPast(db, { status: Status.PAID });
  const ended = await insertPast(db);
  const lines: string[] = [];
  let password = "wrong";
  start({
    location: { ...db.location, password: () => password },
    log: createLogger("warn", { write: (line) => void lines.push(line) }),
  });
  await eventually(async () => expect(lines.join()).toContain("retention pass interrupted"));
  expect(await countRows(db, ended)).toMatchObject({ history: 3 });
  password = decodeURIComponent(new URL(db.location.url).password);
  await purged(ended);
  expect(await countRows(db, free)).toMatchObject({ history: 3 });
});

test("the job does not start where everything is kept forever", async () => {
  const orderId = await insertPast(db);
  const { stop } = start({
    periods: { historyMs: Number.POSITIVE_INFINITY, requestLogMs: Number.POSITIVE_INFINITY },
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stop();
  expect(await countRows(db, orderId)).toMatchObject({ history: 3, ledger: 3 });
});

test("stopping does not wait for the next pass", async () => {
  const { metrics, stop } = start({ intervalMs: 3_600_000 });
  await eventually(async () => expect((await metrics.retentionLastPass.get()).values[0]?.value).toBeGreaterThan(1e9));
  await stop();
});
