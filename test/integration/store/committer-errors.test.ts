import { createConnection } from "mysql2/promise";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import type { CommitterOptions, RetryReason } from "../../../src/store/commit/types.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { DatabaseUnavailableError, DeadlinePassedError, QueueFullError } from "../../../src/store/mysql/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { lockWaitCounter } from "../../support/lock-waits.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { encode, insertOrder, openCommitter, pause, report, rowsOf, type TestCommitter, useStore } from "./fixture.ts";

const { db, url, prefix } = useStore();
const proxy = useTcpProxy(url);

afterEach(() => {
  proxy.setAcceptMode("open");
});

/** A committer for one test, with the reasons of its retries. */
function useCommitter(options: Partial<CommitterOptions> = {}): TestCommitter & { readonly retries: RetryReason[] } {
  const retries: RetryReason[] = [];
  const committer = openCommitter(db, { observe: { retried: (reason) => retries.push(reason) }, ...options });
  onTestFinished(() => committer.close());
  return { ...committer, retries };
}

/** A committer that connects through the proxy. */
function useProxied(options: Partial<CommitterOptions> = {}) {
  return useCommitter({ db: openDatabase({ url: proxy.url, prefix }), ...options });
}

/** A connection of another system. */
async function useOtherSystem() {
  const connection = await createConnection({ uri: url, multipleStatements: true });
  onTestFinished(() => connection.destroy());
  const run = (sql: string) => connection.query(sql.replaceAll("oms_db.", `${prefix}oms_db.`));
  return { run };
}

const insertOrders = (count: number) => Promise.all(Array.from({ length: count }, () => insertOrder(db)));

async function appliedVersions(orderId: bigint) {
  const history = await rowsOf(db, "oms_db.oms_status_history", orderId);
  return history.map(({ version }) => version);
}

describe("fairness", () => {
  test("a lone request is committed at once", async () => {
    const committer = useCommitter();
    const durations: number[] = [];
    for (const orderId of await insertOrders(10)) {
      const started = performance.now();
      await committer.report(report(orderId, Status.PAID));
      durations.push(performance.now() - started);
    }
    // Other load delays some of them, a wait for further requests all.
    expect(Math.min(...durations)).toBeLessThan(250);
  });

  test("requests that arrive during a batch form the next one, up to the maximum batch size", async () => {
    const sizes: number[] = [];
    const committer = useCommitter({
      lanes: 1,
      maxBatch: 4,
      observe: { committed: (size) => sizes.push(size) },
    });
    const orderIds = await insertOrders(10);
    const results = orderIds.map((id) => committer.report(report(id, Status.PAID)));
    await Promise.all(results);
    expect(sizes).toEqual([4, 4, 2]);
  });

  test("orders are spread over lanes, with all requests for an order in one lane", async () => {
    const committer = useCommitter({ lanes: 2 });
    const orderIds = await insertOrders(40);
    await Promise.all(
      orderIds.flatMap((id) => [
        committer.report(report(id, Status.PAID)),
        committer.report(report(id, Status.APPROVED)),
      ]),
    );
    expect(committer.batches).toHaveLength(2);
    for (const batch of committer.batches) {
      const ids = batch.map(({ event }) => event.messageId);
      expect(ids).toEqual(
        [...new Set(batch.map(({ event }) => event.orderId))].flatMap((id) => [`${id}-1`, `${id}-2`]),
      );
    }
  });
});

describe("isolation", () => {
  test("an illegal request fails alone", async () => {
    const committer = useCommitter({ lanes: 1 });
    const orderIds = await insertOrders(5);
    const results = await Promise.all(
      orderIds.map((id, index) => committer.report(report(id, index === 2 ? Status.LOST : Status.PAID))),
    );
    expect(results.map(({ kind }) => kind)).toEqual(["accepted", "accepted", "refused", "accepted", "accepted"]);
    expect(committer.retries).toEqual([]);
  });

  test("a request whose event cannot be encoded fails alone and changes nothing", async () => {
    const [good, bad] = (await insertOrders(2)) as [bigint, bigint];
    const committer = useCommitter({
      lanes: 1,
      encode: (event) => {
        if (event.orderId === bad) {
          throw new Error("does not encode");
        }
        return encode(event);
      },
    });
    const results = await Promise.allSettled([
      committer.report(report(bad, Status.PAID, { requestId: "r-no-encode" })),
      committer.report(report(good, Status.PAID)),
    ]);
    expect(results).toMatchObject([
      { status: "rejected", reason: { message: "does not encode" } },
      { status: "fulfilled", value: { outcome: "applied" } },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_status", bad)).toMatchObject([
      { order_status: Status.CREATED, version: 0 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_request", bad)).toEqual([]);
  });

  test("a request that the database rejects fails alone: the batch is split", async () => {
    const committer = useCommitter({ lanes: 1 });
    const orderIds = await insertOrders(16);
    const poisonous = orderIds[11];
    const results = await Promise.allSettled(
      orderIds.map((id) =>
        committer.report(report(id, Status.PAID, id === poisonous ? { remark: "x".repeat(600) } : {})),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(
      orderIds.map((id) => (id === poisonous ? "rejected" : "fulfilled")),
    );
    expect(results[11]).toMatchObject({ reason: { code: "ER_DATA_TOO_LONG" } });
    // 16 → 8, 8 → 4, 4 → 2, 2 → 1, 1
    expect(committer.retries).toEqual(["split", "split", "split", "split"]);
    expect(await Promise.all(orderIds.map(appliedVersions))).toEqual(
      orderIds.map((id) => (id === poisonous ? [] : [1])),
    );
    expect(committer.batches.flat().map(({ event }) => event.orderId)).toEqual(
      orderIds.filter((id) => id !== poisonous),
    );
  });
});

describe("locks", () => {
  test("that deadlock: the transaction is retried as a whole", async () => {
    const committer = useCommitter({ lanes: 1 });
    const otherSystem = await useOtherSystem();
    const [orderId] = (await insertOrders(1)) as [bigint];
    // The other system holds a request id and waits for an order; the batch holds the order and
    // waits for the request id. The other system has written more: the database rolls the batch
    // back.
    const requestIds = ["r-deadlock", ...Array.from({ length: 60 }, (_, index) => `r-heavy-${index}`)];
    await otherSystem.run(
      `begin; insert into oms_db.oms_request values ${requestIds.map((id) => `('${id}', repeat('x', 20), '', 1, now(3))`)}`,
    );
    const answer = committer.report(report(orderId, Status.PAID, { requestId: "r-deadlock" }));
    await waitForLockWaits(1);
    await otherSystem.run(`update oms_db.oms_order_status set is_finish = 0 where order_id = ${orderId}; rollback`);
    expect(await answer).toMatchObject({ outcome: "applied", version: 1 });
    expect(await appliedVersions(orderId)).toEqual([1]);
    expect(committer.retries).toEqual(["deadlock"]);
  });

  test("of another system on one order delay no other order; the order's requests continue in order", async () => {
    const committer = useCommitter({ lanes: 1 });
    const otherSystem = await useOtherSystem();
    const orderIds = await insertOrders(6);
    const locked = orderIds[0] as bigint;
    await otherSystem.run(`begin; select * from oms_db.oms_order_main where order_id = ${locked} for update;`);
    const deferred = [Status.PAID, Status.APPROVED].map((status) => committer.report(report(locked, status)));
    await Promise.all(orderIds.slice(1).map((id) => committer.report(report(id, Status.PAID))));
    await waitForLockWaits(1);
    // Arrives while the others wait, and must not overtake them.
    deferred.push(committer.report(report(locked, Status.ERP_ALLOCATED)));
    await otherSystem.run("rollback");
    expect(await Promise.all(deferred)).toMatchObject([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect(await appliedVersions(locked)).toEqual([1, 2, 3]);
    expect(committer.retries).toEqual([]);
  });

  test("that are never released lead to an error in bounded time, and other deferred requests continue", async () => {
    const committer = useCommitter({ lanes: 1 });
    const [temporary, permanent] = [await useOtherSystem(), await useOtherSystem()];
    const [released, locked] = (await insertOrders(2)) as [bigint, bigint];
    await temporary.run(`begin; select * from oms_db.oms_order_status where order_id = ${released} for update;`);
    await permanent.run(`begin; select * from oms_db.oms_order_status where order_id = ${locked} for update;`);
    const [fine, rejected] = [released, locked].map((id) => committer.report(report(id, Status.PAID)));
    const failed = Promise.allSettled([rejected]);
    await waitForLockWaits(1);
    await temporary.run("rollback");
    expect(await fine).toMatchObject({ outcome: "applied" });
    expect(await failed).toMatchObject([
      {
        reason: {
          name: "DatabaseUnavailableError",
          cause: { message: `order ${locked} is locked by another transaction` },
        },
      },
    ]);
    await permanent.run("rollback");
    expect(await committer.report(report(locked, Status.PAID))).toMatchObject({ outcome: "applied", version: 1 });
  });

  test("keep the requests for an order in order, queued ones and later ones", async () => {
    const committer = useCommitter({ lanes: 1, maxBatch: 3 });
    const [forA, forB, forC] = [await useOtherSystem(), await useOtherSystem(), await useOtherSystem()];
    const [a, b, c] = (await insertOrders(3)) as [bigint, bigint, bigint];
    await forA.run(`begin; select * from oms_db.oms_order_status where order_id = ${a} for update`);
    await forB.run(`begin; select * from oms_db.oms_order_status where order_id = ${b} for update`);
    await forC.run("begin; insert into oms_db.oms_request values ('r-held', repeat('x', 20), '', 1, now(3))");
    // The first batch defers A and B, then waits with C; the second request for B is queued behind
    // it.
    const answers = [
      committer.report(report(a, Status.PAID)),
      committer.report(report(b, Status.PAID)),
      committer.report(report(c, Status.PAID, { requestId: "r-held" })),
      committer.report(report(b, Status.APPROVED)),
    ];
    await waitForLockWaits(2);
    // B is unlocked now, but its requests wait for A first: one that overtakes finds B in CREATED.
    await forB.run("rollback");
    await forC.run("rollback");
    expect(await answers[2]).toMatchObject({ outcome: "applied" });
    answers.push(committer.report(report(b, Status.ERP_ALLOCATED)));
    await committer.report(report(c, Status.APPROVED));
    await forA.run("rollback");
    expect(await Promise.all(answers)).toMatchObject([
      { orderId: a, version: 1 },
      { orderId: b, version: 1 },
      { orderId: c, version: 1 },
      { orderId: b, version: 2 },
      { orderId: b, version: 3 },
    ]);
  });
});

/** Waits until this many transactions wait for locks. */
async function waitForLockWaits(count: number) {
  const otherSystem = await useOtherSystem();
  const waiting = lockWaitCounter(
    async (statement) => (await otherSystem.run(statement))[0] as { id: unknown; info: unknown }[],
    prefix,
  );
  await eventually(async () => expect(await waiting()).toBe(count), 50);
}

describe("a lost connection", () => {
  test("before the batch was sent: retried", async () => {
    const committer = useProxied({ lanes: 1 });
    const [orderId, next] = (await insertOrders(2)) as [bigint, bigint];
    await committer.report(report(orderId, Status.PAID));
    proxy.closeConnections();
    expect(await committer.report(report(next, Status.PAID))).toMatchObject({ outcome: "applied", version: 1 });
    expect(await appliedVersions(next)).toEqual([1]);
  });

  /** Occurs only in the message that writes and commits. */
  const COMMIT = "oms_status_history";

  for (const requestId of ["", "r-lost-answer"]) {
    const kind = requestId === "" ? "without request id" : "with a request id";

    test(`during COMMIT, ${kind}: a committed batch is found, answered and published`, async () => {
      const committer = useProxied({ lanes: 1 });
      const [orderId, other] = (await insertOrders(2)) as [bigint, bigint];
      proxy.disruptNext(COMMIT, "lose-answer");
      const results = await Promise.all([
        committer.report(report(orderId, Status.PAID, { requestId })),
        committer.report(report(orderId, Status.APPROVED)),
        committer.report(report(orderId, Status.APPROVED)),
        committer.report(report(orderId, Status.LOST)),
        committer.pause(pause(other, true)),
      ]);
      expect(proxy.pendingDisruptions).toBe(0);
      expect(results).toMatchObject([
        { outcome: "applied", version: 1 },
        { outcome: "applied", version: 2 },
        { outcome: "duplicate", version: 2 },
        { kind: "refused" },
        { kind: "paused", changed: true },
      ]);
      expect(await appliedVersions(orderId)).toEqual([1, 2]);
      const outbox = [
        ...(await rowsOf(db, "oms_db.oms_outbox", orderId)),
        ...(await rowsOf(db, "oms_db.oms_outbox", other)),
      ];
      expect(committer.batches).toHaveLength(1);
      expect(committer.batches[0]?.map(({ row }) => [row.id, row.messageId])).toEqual(
        outbox.map(({ id, message_id }) => [id, message_id]),
      );
      expect(outbox).toHaveLength(3);
    });

    test(`during COMMIT, ${kind}: a batch that was not committed is retried, once`, async () => {
      const committer = useProxied({ lanes: 1 });
      const [orderId] = (await insertOrders(1)) as [bigint];
      proxy.disruptNext(COMMIT, "lose-request", 2);
      const results = await Promise.all([
        committer.report(report(orderId, Status.PAID, { requestId: requestId && `${requestId}-2` })),
        committer.report(report(orderId, Status.APPROVED)),
      ]);
      expect(proxy.pendingDisruptions).toBe(0);
      expect(results).toMatchObject([
        { outcome: "applied", version: 1 },
        { outcome: "applied", version: 2 },
      ]);
      expect(await appliedVersions(orderId)).toEqual([1, 2]);
      expect(committer.retries).toEqual(["connection-lost", "connection-lost"]);
      expect(committer.batches.flat().map(({ row }) => row.id)).toEqual(
        (await rowsOf(db, "oms_db.oms_outbox", orderId)).map(({ id }) => id),
      );
    });

    test.each(["lose-answer", "lose-request"] as const)(
      `during COMMIT (%s), ${kind}: late reports alone are recorded once`,
      async (disruption) => {
        const committer = useProxied({ lanes: 1 });
        const orderId = await insertOrder(db, { status: Status.WMS_DISPATCHED });
        await committer.report(report(orderId, Status.PACKED));
        proxy.disruptNext(COMMIT, disruption);
        const late = { requestId: requestId && `${requestId}-${disruption}` };
        expect(await committer.report(report(orderId, Status.PICKING, late))).toMatchObject({ outcome: "stale" });
        expect(proxy.pendingDisruptions).toBe(0);
        const history = await rowsOf(db, "oms_db.oms_status_history", orderId);
        expect(history.map(({ outcome }) => outcome)).toEqual(["APPLIED", "STALE"]);
        expect(committer.batches.flat()).toHaveLength(1);
      },
    );
  }

  test("during COMMIT: another server's change of the same version is not taken for the lost one", async () => {
    const committer = useProxied({ lanes: 1, maxBatch: 1 });
    const other = useCommitter({ lanes: 1 });
    const [warm, orderId] = (await insertOrders(2)) as [bigint, bigint];
    await committer.report(report(warm, Status.PAID));
    proxy.setAcceptMode("closed");
    proxy.disruptNext(COMMIT, "lose-request");
    const lost = committer.report(report(orderId, Status.PAID, { remark: "lost" }));
    await eventually(() => expect(proxy.pendingDisruptions).toBe(0));
    expect(await other.report(report(orderId, Status.PAID, { remark: "other" }))).toMatchObject({ version: 1 });
    proxy.setAcceptMode("open");
    expect(await lost).toMatchObject({ outcome: "duplicate", version: 1 });
    expect(await appliedVersions(orderId)).toEqual([1]);
    expect(committer.batches.flat()).toHaveLength(1);
  });

  test("during COMMIT, while the server still executes it: not retried before it has ended", async () => {
    const committer = useProxied({ lanes: 1 });
    const otherSystem = await useOtherSystem();
    const [held, other] = (await insertOrders(2)) as [bigint, bigint];
    await otherSystem.run("begin; insert into oms_db.oms_request values ('r-slow', repeat('x', 20), '', 1, now(3))");
    proxy.disruptNext(COMMIT, "lose-answer");
    const answers = [
      committer.report(report(held, Status.PAID, { requestId: "r-slow" })),
      committer.report(report(other, Status.PAID)),
    ];
    // The batch waits for the request id; its retry waits for its orders, on another connection.
    await waitForLockWaits(2);
    await otherSystem.run("rollback");
    expect(await Promise.all(answers)).toMatchObject([
      { outcome: "applied", version: 1 },
      { outcome: "applied", version: 1 },
    ]);
    expect([await appliedVersions(held), await appliedVersions(other)]).toEqual([[1], [1]]);
    expect(committer.batches).toHaveLength(1);
    expect(committer.retries).toEqual([]);
  });

  test("during COMMIT and for some time: the batch waits for its outcome, those behind it do not", async () => {
    const committer = useProxied({ lanes: 1, maxBatch: 1 });
    const [warm, orderId, behind] = (await insertOrders(3)) as [bigint, bigint, bigint];
    await committer.report(report(warm, Status.PAID));
    // The open connection works until the disruption; no other can be opened.
    proxy.setAcceptMode("closed");
    proxy.disruptNext(COMMIT, "lose-answer");
    const first = committer.report(report(orderId, Status.PAID));
    const second = Promise.allSettled([committer.report(report(behind, Status.PAID))]);
    expect(await second).toMatchObject([{ reason: { name: "DatabaseUnavailableError" } }]);
    proxy.setAcceptMode("open");
    expect(await first).toMatchObject({ outcome: "applied", version: 1 });
    expect(await appliedVersions(orderId)).toEqual([1]);
    expect(await appliedVersions(behind)).toEqual([]);
  });

  test("by a request that breaks every connection: it fails alone, the others are committed", async () => {
    const committer = useProxied({ lanes: 1 });
    const orderIds = await insertOrders(4);
    proxy.disruptNext("kills every connection", "lose-request", 1_000);
    const results = await Promise.allSettled(
      orderIds.map((id, index) =>
        committer.report(report(id, Status.PAID, index === 1 ? { remark: "kills every connection" } : {})),
      ),
    );
    proxy.clearDisruptions();
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { name: "DatabaseUnavailableError" } });
  });

  for (const mode of ["closed", "silent"] as const) {
    test(`without reconnection (${mode}): all waiting requests fail in bounded time`, async () => {
      const committer = useProxied({ lanes: 1, maxBatch: 2 });
      const [warm, ...orderIds] = (await insertOrders(7)) as [bigint, ...bigint[]];
      await committer.report(report(warm, Status.PAID));
      proxy.setAcceptMode(mode);
      proxy.closeConnections();
      const started = performance.now();
      const results = await Promise.allSettled(orderIds.map((id) => committer.report(report(id, Status.PAID))));
      expect(performance.now() - started).toBeLessThan(20_000);
      for (const result of results) {
        expect(result).toMatchObject({
          status: "rejected",
          reason: { name: "DatabaseUnavailableError", retryAfterMs: expect.any(Number) },
        });
      }
      proxy.setAcceptMode("open");
      expect(await committer.report(report(orderIds[0] as bigint, Status.PAID))).toMatchObject({ outcome: "applied" });
    });
  }
});

describe("bounds", () => {
  test("requests beyond the queue's length are rejected at once, those in it are completed", async () => {
    const committer = useCommitter({ lanes: 1, maxQueue: 3 });
    const orderIds = await insertOrders(5);
    const results = await Promise.allSettled(orderIds.map((id) => committer.report(report(id, Status.PAID))));
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect(results[3]).toMatchObject({ reason: expect.any(QueueFullError) });
    expect(results[4]).toMatchObject({ reason: { retryAfterMs: expect.any(Number) } });
    expect(await committer.report(report(orderIds[4] as bigint, Status.PAID))).toMatchObject({ outcome: "applied" });
  });

  test("a request whose deadline has passed is not started", async () => {
    const committer = useCommitter({ lanes: 1 });
    const [late, inTime] = (await insertOrders(2)) as [bigint, bigint];
    const results = await Promise.allSettled([
      committer.report(report(late, Status.PAID), { deadline: new Date(Date.now() - 1) }),
      committer.pause(pause(late, true), { deadline: new Date(Date.now() - 1) }),
      committer.report(report(inTime, Status.PAID), { deadline: new Date(Date.now() + 60_000) }),
    ]);
    expect(results).toMatchObject([
      { status: "rejected", reason: expect.any(DeadlinePassedError) },
      { status: "rejected", reason: expect.any(DeadlinePassedError) },
      { status: "fulfilled", value: { outcome: "applied" } },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_status", late)).toMatchObject([{ version: 0, is_pause: 0 }]);
  });

  test("closing completes queued requests and rejects new ones", async () => {
    const committer = openCommitter(db, { lanes: 2, maxBatch: 2 });
    const orderIds = await insertOrders(9);
    const queued = orderIds.map((id) => committer.report(report(id, Status.PAID)));
    const closed = committer.close();
    await expect(committer.report(report(orderIds[0] as bigint, Status.APPROVED))).rejects.toThrow(
      DatabaseUnavailableError,
    );
    await closed;
    expect(await Promise.all(queued)).toMatchObject(orderIds.map((orderId) => ({ orderId, outcome: "applied" })));
    const lanes = committer.batches.length;
    expect(lanes).toBeGreaterThan(1);
  });
});

test("the crash points are passed in order", async () => {
  const passed: string[] = [];
  const committer = useCommitter({ lanes: 1, crashPoint: (name) => passed.push(name) });
  const [orderId] = (await insertOrders(1)) as [bigint];
  expect(await committer.report(report(orderId, Status.PAID))).toMatchObject({ outcome: "applied" });
  expect(passed).toEqual(["after-status-write", "before-commit", "after-commit"]);
  expect(committer.batches.flat().map(({ row }) => row.id)).toEqual(
    (await rowsOf(db, "oms_db.oms_outbox", orderId)).map(({ id }) => id),
  );
});
