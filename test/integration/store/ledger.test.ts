import { afterAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createLedger, type LedgerEntry } from "../../../src/store/ledger/index.ts";
import { readOpenActions } from "../../../src/store/reads/action-entries.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder, openCommitter, report, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const LEASE_MS = 30_000;
const ledger = createLedger({ db, leaseMs: LEASE_MS });
let action = "";
const committer = openCommitter(db, { subscriptionsFor: () => [{ action }] });
afterAll(() => committer.close());

/** An order with `count` events, each matched by one Action whose name no other test uses. */
async function insertEvents(count: number): Promise<{ orderId: bigint; name: string; ids: string[] }> {
  const orderId = await insertOrder(db);
  action = `action-${orderId}`;
  const name = action;
  for (const status of [Status.PAID, Status.APPROVED, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED].slice(0, count)) {
    await committer.report(report(orderId, status));
  }
  return { orderId, name, ids: Array.from({ length: count }, (_, index) => `${orderId}-${index + 1}`) };
}

async function run(messageId: string, name: string): Promise<LedgerEntry> {
  const claim = await ledger.claim(messageId, name);
  if (claim.kind !== "run") {
    throw new Error(`${messageId} is to run, and not ${claim.kind}`);
  }
  return claim.entry;
}

const timeOf = (row: Record<string, unknown> | undefined) => Number(row?.next_attempt_time);
/** A time on the ledger's clock, far enough in the past that its next sync does not change it. */
const ago = (ms: number) => new Date(ledger.now().getTime() - 1_000 - ms);
const setRow = (orderId: bigint, values: { next_attempt_time?: Date; attempts_started?: number }) =>
  db.updateTable("oms_db.oms_action_ledger").set(values).where("order_id", "=", orderId).execute();

async function claimDue(names: readonly string[], limit: number, { one = ledger, suspects = [] as number[] } = {}) {
  const { entries } = await one.claimDue({
    limits: new Map(names.map((name) => [name, limit])),
    suspectLimits: suspects,
  });
  return entries;
}

describe("claim", () => {
  test("starts an attempt, under a lease", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    const [before] = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    const started = Date.now();
    expect(await ledger.claim(ids[0] as string, name)).toEqual({
      kind: "run",
      entry: {
        id: before?.id,
        messageId: ids[0],
        action: name,
        orderId,
        attempt: 1,
        attemptInRound: 1,
        sideEffectFreeAttempts: 0,
        firstTime: before?.first_time,
      },
    });
    const [row] = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(row).toEqual({
      ...before,
      attempts_started: 1,
      claimed_by: expect.any(BigInt),
      next_attempt_time: expect.any(Date),
    });
    const leaseEnd = timeOf(row);
    // The database's time, which differs slightly from this process's.
    expect(leaseEnd).toBeGreaterThan(started + LEASE_MS - 1_000);
    expect(leaseEnd).toBeLessThan(Date.now() + LEASE_MS + 1_000);
  });

  test("succeeds for one of several concurrent callers", async () => {
    const { name, ids } = await insertEvents(1);
    const other = createLedger({ db, leaseMs: LEASE_MS });
    const claims = await Promise.all(
      Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? ledger : other).claim(ids[0] as string, name)),
    );
    expect(claims.map(({ kind }) => kind).toSorted()).toEqual([...Array(29).fill("later"), "run"]);
  });

  test("reports events that are not subscribed, and those that are done", async () => {
    const { name, ids } = await insertEvents(1);
    expect(await ledger.claim(ids[0] as string, "another-action")).toEqual({ kind: "not-subscribed" });
    expect(await ledger.claim("1-1", name)).toEqual({ kind: "not-subscribed" });
    await ledger.done(await run(ids[0] as string, name));
    expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "done" });
  });

  test("many concurrent claims are each resolved", async () => {
    const events = [];
    for (let count = 0; count < 10; count += 1) {
      events.push(await insertEvents(1));
    }
    const claims = await Promise.all(events.map(({ ids, name }) => ledger.claim(ids[0] as string, name)));
    expect(claims.map((claim) => (claim.kind === "run" ? claim.entry.orderId : claim.kind))).toEqual(
      events.map(({ orderId }) => orderId),
    );
  });

  test("waits for an earlier event of the order, and is deferred for a short time", async () => {
    const { orderId, name, ids } = await insertEvents(2);
    const [first, second] = ids as [string, string];
    expect(await ledger.claim(second, name)).toEqual({ kind: "later" });
    const started = ledger.now().getTime();
    expect(await ledger.claim(second, name)).toEqual({ kind: "later" });
    const [, waiting] = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(waiting).toMatchObject({ state: "PENDING", attempts_started: 0 });
    const wait = timeOf(waiting) - started;
    expect(wait).toBeGreaterThanOrEqual(200);
    expect(wait).toBeLessThan(5_000);
    await ledger.done(await run(first, name));
    expect(await ledger.claim(second, name)).toMatchObject({ kind: "run" });
  });

  test("waits for an earlier event that failed until that one is retried", async () => {
    const { orderId, name, ids } = await insertEvents(2);
    const again = new Date(Date.now() + 600_000);
    await ledger.retry(await run(ids[0] as string, name), "no answer", again);
    expect(await ledger.claim(ids[1] as string, name)).toEqual({ kind: "later" });
    const [, waiting] = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(waiting?.next_attempt_time).toEqual(again);
  });

  test("waits neither for a parked event nor for another Action", async () => {
    const { name, ids } = await insertEvents(2);
    await ledger.park(await run(ids[0] as string, name), "no");
    expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "later" });
    expect(await ledger.claim(ids[1] as string, name)).toMatchObject({ kind: "run" });
  });

  test("succeeds after a lease has expired, but not for a suspected poison message", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    for (const attempt of [1, 2]) {
      expect(await run(ids[0] as string, name)).toMatchObject({ attempt });
      expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "later" });
      await setRow(orderId, { next_attempt_time: ago(1) });
    }
    expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "later" });
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      { state: "PENDING", attempts_started: 2, attempts_finished: 0 },
    ]);
  });

  test("failed attempts do not count as unfinished", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    for (const attempt of [1, 2, 3, 4, 5]) {
      const entry = await run(ids[0] as string, name);
      expect(entry.attempt).toBe(attempt);
      await ledger.retry(entry, "no answer", ago(1));
    }
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      { state: "RETRYING", attempts_started: 5, attempts_finished: 5, last_error: "no answer" },
    ]);
  });
});

describe("claimDue", () => {
  test("finds due entries, with the rows of their events", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    expect(await claimDue([name], 10)).toEqual([]);
    await setRow(orderId, { next_attempt_time: ago(1) });
    const [row] = await rowsOf(db, "oms_db.oms_outbox", orderId);
    const [ledgerRow] = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(await claimDue(["another-action"], 10)).toEqual([]);
    expect(await claimDue([name, "another-action"], 10)).toEqual([
      {
        entry: {
          id: ledgerRow?.id,
          messageId: ids[0],
          action: name,
          orderId,
          attempt: 1,
          attemptInRound: 1,
          sideEffectFreeAttempts: 0,
          firstTime: ledgerRow?.first_time,
        },
        row: {
          id: row?.id,
          messageId: ids[0],
          orderId,
          subject: row?.subject,
          eventType: row?.event_type,
          body: row?.body,
          recordTime: row?.record_time,
          traceparent: row?.traceparent,
        },
        maxConcurrentSuspects: undefined,
      },
    ]);
    expect(await claimDue([name], 10)).toEqual([]);
  });

  test("finds a failed attempt when it is due, and not before", async () => {
    const { name, ids } = await insertEvents(1);
    const entry = await run(ids[0] as string, name);
    await ledger.retry(entry, "no answer", new Date(ledger.now().getTime() + 300));
    expect(await claimDue([name], 10)).toEqual([]);
    const due = await eventually(async () => {
      const found = await claimDue([name], 10);
      expect(found).toHaveLength(1);
      return found;
    });
    expect(due).toMatchObject([{ entry: { ...entry, attempt: 2, attemptInRound: 2 } }]);
  });

  test("keeps the order of an order's events, and the limit", async () => {
    const one = await insertEvents(3);
    const two = await insertEvents(2);
    const names = [one.name, two.name];
    await setRow(one.orderId, { next_attempt_time: ago(2) });
    await setRow(two.orderId, { next_attempt_time: ago(1) });
    const claimIds = async (limit: number) => {
      const due = await claimDue(names, limit);
      await Promise.all(due.map(({ entry }) => ledger.done(entry)));
      await setRow(one.orderId, { next_attempt_time: ago(2) });
      await setRow(two.orderId, { next_attempt_time: ago(1) });
      return due.map(({ entry }) => entry.messageId);
    };
    expect(await claimIds(1)).toEqual([one.ids[0], two.ids[0]]);
    expect(await claimIds(10)).toEqual([one.ids[1], two.ids[1]]);
    expect(await claimIds(10)).toEqual([one.ids[2]]);
    expect(await claimIds(10)).toEqual([]);
  });

  test("gives each event to one of several servers", async () => {
    const events = [];
    for (let count = 0; count < 12; count += 1) {
      const event = await insertEvents(1);
      await setRow(event.orderId, { next_attempt_time: ago(1) });
      events.push(event);
    }
    const names = events.map(({ name }) => name);
    const ledgers = [ledger, createLedger({ db, leaseMs: LEASE_MS }), createLedger({ db, leaseMs: LEASE_MS })];
    const due = (await Promise.all(ledgers.map((one) => claimDue(names, 100, { one })))).flat();
    expect(due.map(({ entry }) => entry.messageId).toSorted()).toEqual(events.map(({ ids }) => ids[0]).toSorted());
  });

  test("runs fewer suspects together the more attempts never ended, until a poison message is parked", async () => {
    const events: Awaited<ReturnType<typeof insertEvents>>[] = [];
    for (let count = 0; count < 20; count += 1) {
      events.push(await insertEvents(1));
    }
    const names = events.map((event) => event.name);
    const setStarted = async (times: number) => {
      for (const { orderId } of events) {
        await setRow(orderId, { attempts_started: times, next_attempt_time: ago(1) });
      }
    };
    await setStarted(1);
    expect(await claimDue(names, 10, { suspects: [1] })).toHaveLength(20);
    await setStarted(2);
    const twice = await claimDue(names, 10);
    expect(twice.map((due) => due.maxConcurrentSuspects)).toEqual(Array(16).fill(16));
    expect(await claimDue(names, 10, { suspects: Array(15).fill(16) })).toHaveLength(1);
    expect(await claimDue(names, 10, { suspects: Array(16).fill(16) })).toEqual([]);
    await setStarted(3);
    expect(await claimDue(names, 10)).toHaveLength(4);
    await setStarted(4);
    expect(await claimDue(names, 10, { suspects: [16] })).toEqual([]);
    const [alone, ...others] = await claimDue(names, 10);
    expect([alone?.maxConcurrentSuspects, others]).toEqual([1, []]);
    expect(await claimDue(names, 10, { suspects: [1] })).toEqual([]);
    await setStarted(6);
    expect(await claimDue(names, 10)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", events[0]?.orderId as bigint)).toMatchObject([
      {
        state: "PARKED",
        attempts_started: 6,
        attempts_finished: 0,
        next_attempt_time: null,
        last_error: "started 6 times and never finished",
        finish_time: expect.any(Date),
      },
    ]);
  });

  test("runs the most suspect first, and reports that others wait", async () => {
    const [often, twice] = [await insertEvents(1), await insertEvents(1)];
    await setRow(often.orderId, { attempts_started: 4, next_attempt_time: ago(1) });
    await setRow(twice.orderId, { attempts_started: 2, next_attempt_time: ago(5) });
    const limits = new Map([often, twice].map(({ name }) => [name, 10]));
    const claim = await ledger.claimDue({ limits, suspectLimits: [] });
    expect(claim).toMatchObject({
      entries: [{ entry: { orderId: often.orderId }, maxConcurrentSuspects: 1 }],
      more: true,
    });
    expect(await ledger.claimDue({ limits, suspectLimits: [] })).toMatchObject({
      entries: [{ entry: { orderId: twice.orderId }, maxConcurrentSuspects: 16 }],
      more: false,
    });
  });

  test("parks an entry whose event is missing", async () => {
    const lost = await insertEvents(1);
    await setRow(lost.orderId, { next_attempt_time: ago(1) });
    await db.deleteFrom("oms_db.oms_outbox").where("order_id", "=", lost.orderId).execute();
    expect(await claimDue([lost.name], 10)).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", lost.orderId)).toMatchObject([
      { state: "PARKED", last_error: "its event is no longer in oms_outbox" },
    ]);
  });

  test("limits each Action, and reports that more are due", async () => {
    const crowd = await insertEvents(1);
    const name = crowd.name;
    for (let count = 0; count < 3; count += 1) {
      const orderId = await insertOrder(db);
      action = name;
      await committer.report(report(orderId, Status.PAID));
      await setRow(orderId, { next_attempt_time: ago(1_000) });
    }
    const other = await insertEvents(1);
    await setRow(other.orderId, { next_attempt_time: ago(1) });
    const claim = await ledger.claimDue({
      limits: new Map([
        [name, 2],
        [other.name, 2],
      ]),
      suspectLimits: [],
    });
    expect(claim.more).toBe(true);
    expect(claim.entries.map(({ entry }) => entry.action).toSorted()).toEqual([name, name, other.name].toSorted());
    expect(await ledger.claimDue({ limits: new Map([[name, 2]]), suspectLimits: [] })).toMatchObject({
      entries: [{}],
      more: false,
    });
  });
});

describe("the result of an attempt", () => {
  test("done is final", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    const entry = await run(ids[0] as string, name);
    await Promise.all([ledger.done(entry), ledger.done(entry)]);
    await ledger.retry(entry, "too late", ago(1));
    await ledger.park(entry, "too late");
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      {
        state: "DONE",
        attempts_started: 1,
        attempts_finished: 1,
        next_attempt_time: null,
        last_error: null,
        finish_time: expect.any(Date),
      },
    ]);
  });

  test("of an attempt whose lease has expired counts if it succeeded, and not if it failed", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    const slow = await run(ids[0] as string, name);
    await setRow(orderId, { next_attempt_time: ago(1) });
    const current = await run(ids[0] as string, name);
    await ledger.retry(slow, "slow one failed", ago(1));
    expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "later" });
    await ledger.done(slow);
    await ledger.park(current, "current one failed");
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([{ state: "DONE", last_error: null }]);
  });

  test("long errors are truncated", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    await ledger.park(await run(ids[0] as string, name), "无".repeat(2_000));
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([{ last_error: "无".repeat(1_000) }]);
  });

  test("a discarded entry stays discarded", async () => {
    const { orderId, name, ids } = await insertEvents(1);
    const entry = await run(ids[0] as string, name);
    await db
      .updateTable("oms_db.oms_action_ledger")
      .set({ state: "DISCARDED", next_attempt_time: null })
      .where("order_id", "=", orderId)
      .execute();
    await ledger.done(entry);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([{ state: "DISCARDED" }]);
    expect(await ledger.claim(ids[0] as string, name)).toEqual({ kind: "done" });
  });
});

test("open entries are counted by Action, and listed by order", async () => {
  const { orderId, name, ids } = await insertEvents(4);
  const [first, second, third] = ids as [string, string, string];
  await ledger.done(await run(first, name));
  await ledger.park(await run(second, name), "refused");
  await ledger.retry(await run(third, name), "no answer", new Date(Date.now() + 60_000));
  expect(await ledger.openCounts([name, "another-action"])).toEqual([
    { action: name, pending: 1, retrying: 1, parked: 1, waitingSince: expect.any(Date), firstDue: expect.any(Date) },
  ]);
  expect(await readOpenActions(db, orderId)).toEqual([
    { messageId: second, action: name, state: "PARKED", attempts: 1, lastError: "refused", nextAttemptTime: undefined },
    {
      messageId: third,
      action: name,
      state: "RETRYING",
      attempts: 1,
      lastError: "no answer",
      nextAttemptTime: expect.any(Date),
    },
    {
      messageId: ids[3],
      action: name,
      state: "PENDING",
      attempts: 0,
      lastError: "",
      nextAttemptTime: expect.any(Date),
    },
  ]);
});

test("totals by Action are added up across servers", async () => {
  const other = createLedger({ db, leaseMs: LEASE_MS });
  const { name, ids } = await insertEvents(3);
  const [first, second, third] = ids as [string, string, string];
  await ledger.done(await run(first, name));
  await other.retry(await run(second, name), "no answer", ago(1));
  await other.defer(await run(second, name), "no stock", ago(1));
  await other.done(await run(second, name));
  await ledger.park(await run(third, name), "无".repeat(2_000));
  await Promise.all([other.close(), ledger.close()]);
  const [total] = await db.selectFrom("oms_db.oms_action_total").selectAll().where("action", "=", name).execute();
  expect(total).toEqual({
    action: name,
    done: 2n,
    retries: 1n,
    last_error: expect.any(String),
    last_error_time: expect.any(Date),
  });
});
