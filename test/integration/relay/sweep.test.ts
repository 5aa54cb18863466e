import { sql } from "kysely";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createPublishedRows } from "../../../src/messaging/relay/published-rows.ts";
import { startSweep } from "../../../src/messaging/relay/sweep.ts";
import { statusChanged } from "../../support/events.ts";
import { silentLog } from "../nats/support.ts";
import { commit, useDatabase } from "./support.ts";

const database = useDatabase();
const KEEP_MS = 50;

beforeEach(() => database().deleteFrom("oms_db.oms_outbox").execute());

/** An event of so many seconds ago. */
async function insert(orderId: bigint, secondsAgo: number): Promise<void> {
  const recordTime = new Date(Date.now() - secondsAgo * 1_000);
  await commit(database(), [statusChanged({ orderId, toStatus: 3010, recordTime })]);
}

/** What the sweep publishes, by message id; each is remembered as published, so that it is published once. */
function sweep(): string[] {
  const told: string[] = [];
  const published = createPublishedRows(60_000);
  const sweeping = startSweep({
    db: database(),
    log: silentLog,
    published,
    keepMs: KEEP_MS,
    sweepMs: 10,
    idle: () => true,
    publish(rows) {
      for (const { id, messageId } of rows) {
        told.push(messageId);
        published.add(id, Number.POSITIVE_INFINITY);
      }
    },
    beforeEach: () => {},
  });
  onTestFinished(() => sweeping.stop());
  return told;
}

test("rows that are kept for Actions are passed over, and what comes after them is found", async () => {
  for (let orderId = 1n; orderId <= 30n; orderId += 1n) {
    await insert(orderId, 1_000);
  }
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  await insert(31n, 500);
  const told = sweep();
  await vi.waitFor(() => expect(told).toEqual(["31-1"]));
  await insert(32n, 400);
  await vi.waitFor(() => expect(told).toEqual(["31-1", "32-1"]));
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  await insert(33n, 2);
  await insert(34n, 1);
  await vi.waitFor(() => expect(told).toEqual(["31-1", "32-1", "33-1", "34-1"]));
});

test("rows that were committed in another order than their times are found", async () => {
  await insert(1n, 1_000);
  await database().updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
  const told = sweep();
  // Young in front of old: the look ends at the young one.
  await insert(2n, -3);
  await insert(3n, 30);
  await sql`do sleep(1)`.execute(database());
  expect(told).toEqual([]);
  await vi.waitFor(() => expect(told).toEqual(["2-1", "3-1"]), 10_000);
});
