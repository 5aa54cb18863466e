import { sql } from "kysely";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { createPublishedRows } from "../../../src/messaging/relay/published-rows.ts";
import { startSweep } from "../../../src/messaging/relay/sweep.ts";
import { ALWAYS_HELD } from "../../../src/store/leases/index.ts";
import { statusChanged } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestLease } from "../../support/lease.ts";
import { silentLog } from "../nats/support.ts";
import { commit, useDatabase } from "./support.ts";

const database = useDatabase();
const RETENTION_MS = 50;

beforeEach(() => database().deleteFrom("oms_db.oms_outbox").execute());

/** Commits an event of this many seconds ago. */
async function insert(orderId: bigint, secondsAgo: number): Promise<void> {
  const recordTime = new Date(Date.now() - secondsAgo * 1_000);
  await commit(database(), [statusChanged({ orderId, toStatus: 3010, recordTime })]);
}

/** Starts a sweep that marks what it publishes. @returns the message ids it publishes */
function useSweep(lease = ALWAYS_HELD): string[] {
  const republished: string[] = [];
  const published = createPublishedRows(60_000);
  const sweep = startSweep({
    db: database(),
    log: silentLog,
    published,
    retentionMs: RETENTION_MS,
    sweepMs: 10,
    lease,
    gauges: { setOldest: () => {}, setRows: () => {}, clear: () => {} },
    canPublish: () => true,
    publish(rows) {
      for (const { id, messageId } of rows) {
        republished.push(messageId);
        published.add(id, Number.POSITIVE_INFINITY);
      }
    },
    onSweep: () => {},
  });
  onTestFinished(() => sweep.stop());
  return republished;
}

test("rows kept for Actions are skipped, and abandoned rows after them are found", async () => {
  for (let orderId = 1n; orderId <= 30n; orderId += 1n) {
    await insert(orderId, 1_000);
  }
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  await insert(31n, 500);
  const republished = useSweep();
  await eventually(() => expect(republished).toEqual(["31-1"]));
  await insert(32n, 400);
  await eventually(() => expect(republished).toEqual(["31-1", "32-1"]));
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  await insert(33n, 2);
  await insert(34n, 1);
  await eventually(() => expect(republished).toEqual(["31-1", "32-1", "33-1", "34-1"]));
});

test("abandoned rows whose ids and times are in different order are found", async () => {
  await insert(1n, 1_000);
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  const republished = useSweep();
  // A young row before an old one: the search ends at the young one.
  await insert(2n, -3);
  await insert(3n, 30);
  await sql`do sleep(1)`.execute(database());
  expect(republished).toEqual([]);
  await eventually(() => expect(republished).toEqual(["2-1", "3-1"]));
});

test("a server without the lease leaves abandoned rows to the one with it, until it takes over", async () => {
  await insert(1n, 1_000);
  const lease = createTestLease(false);
  const republished = useSweep(lease);
  await sql`do sleep(0.5)`.execute(database());
  expect(republished).toEqual([]);
  lease.move(true);
  await eventually(() => expect(republished).toEqual(["1-1"]));
});
