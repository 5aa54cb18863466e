import { createConnection } from "mysql2/promise";
import { describe, expect, onTestFinished, test } from "vitest";
import { type SubmitOrderInput, submitOrder } from "../../../src/application/fulfilment/submit-order.ts";
import { recordShippedQuantities } from "../../../src/application/orders/records.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { creationEvent } from "../../../src/domain/status-report.ts";
import type { CommitterOptions, RetryReason } from "../../../src/store/commit/types.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { refundMark } from "../../../src/store/orders/write-orders.ts";
import { readShippedLines } from "../../../src/store/reads/goods.ts";
import { waitsForLock } from "../../support/orders.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import {
  CAUSE,
  CONTEXT,
  change,
  insertOrder,
  openCommitter,
  report,
  rowsOf,
  type TestCommitter,
  useOperations,
  useStore,
} from "./fixture.ts";

const { db, url, prefix } = useStore();
const { operations } = useOperations(db);
const proxy = useTcpProxy(url);

interface Setup {
  readonly committer: TestCommitter;
  readonly sizes: number[];
  readonly retries: RetryReason[];
  readonly submit: (more?: Partial<SubmitOrderInput>) => Promise<bigint>;
}

/** A committer for one test, with the sizes of its batches and the reasons of its retries. */
function useCommitter(options: Partial<CommitterOptions> = {}): Setup {
  const sizes: number[] = [];
  const retries: RetryReason[] = [];
  const committer = openCommitter(db, {
    observe: { committed: (size) => sizes.push(size), retried: (reason) => retries.push(reason) },
    ...options,
  });
  onTestFinished(() => committer.close());
  const submit = async (more: Partial<SubmitOrderInput> = {}) =>
    (await submitOrder({ ...operations, committer }, { ...INPUT, ...more }, CONTEXT)).orderId;
  return { committer, sizes, retries, submit };
}

const INPUT: SubmitOrderInput = {
  orderId: 0n,
  rootParentId: 0n,
  orderSource: 1000,
  orderType: 1,
  lines: [
    { skuId: 7n, quantity: 1, warehouseId: 1n },
    { skuId: 7n, quantity: 2, warehouseId: 2n },
  ],
  rechargeAccount: "",
  invoice: undefined,
  requestId: "",
  operator: "li",
};

let lastId = 9_000_000n;
function newId(): bigint {
  lastId += 1n;
  return lastId;
}

describe("new orders", () => {
  test("of concurrent calls are one batch, each complete", async () => {
    const { committer, sizes, submit } = useCommitter();
    const ids = await Promise.all(Array.from({ length: 40 }, (_, index) => submit({ requestId: `many-${index}` })));

    expect(sizes).toEqual([40]);
    expect(new Set(ids).size).toBe(40);
    expect(committer.batches.flat().map(({ row }) => row.messageId)).toEqual(ids.map((id) => `${id}-1`));
    for (const [index, id] of ids.entries()) {
      expect(await rowsOf(db, "oms_db.oms_order_main", id)).toMatchObject([{ root_parent_id: id, is_payed: 0 }]);
      expect(await rowsOf(db, "oms_db.oms_order_status", id)).toMatchObject([{ version: 1, warehouse_count: 2 }]);
      expect(await rowsOf(db, "oms_db.oms_status_history", id)).toMatchObject([
        { version: 1, from_status: 0, request_id: `many-${index}` },
      ]);
      const [event] = await rowsOf(db, "oms_db.oms_outbox", id);
      expect(event?.id).toBe(committer.batches[0]?.[index]?.row.id);
      expect(await rowsOf(db, "oms_db.oms_action_ledger", id)).toMatchObject([
        { message_id: `${id}-1`, action: "first-action", outbox_id: event?.id, state: "PENDING" },
        { message_id: `${id}-1`, action: "second-action", outbox_id: event?.id, state: "PENDING" },
      ]);
      expect(await rowsOf(db, "oms_db.oms_request", id)).toMatchObject([{ answer: `{"orderId":"${id}"}` }]);
    }
  });

  test("with one request id in one batch are one order; another content is an error", async () => {
    const { sizes, submit } = useCommitter();
    const [first, second, other] = await Promise.allSettled([
      submit({ requestId: "same" }),
      submit({ requestId: "same" }),
      submit({ requestId: "same", orderSource: 1025 }),
    ]);

    expect(second).toEqual(first);
    expect(first).toMatchObject({ status: "fulfilled" });
    expect(other).toMatchObject({ status: "rejected", reason: { kind: "request-id-reused" } });
    expect(sizes).toEqual([3]);
    if (first.status === "fulfilled") {
      expect(await rowsOf(db, "oms_db.oms_status_history", first.value)).toHaveLength(1);
    }
  });

  test("with one order id are one order, in one batch or in several", async () => {
    const { submit } = useCommitter();
    const orderId = newId();
    const [first, second, elsewhere] = await Promise.allSettled([
      submit({ orderId }),
      submit({ orderId, orderSource: 1025 }),
      submit(),
    ]);

    expect(first).toEqual({ status: "fulfilled", value: orderId });
    expect(second).toMatchObject({
      status: "rejected",
      reason: { kind: "order-exists", message: `there is an order ${orderId} already` },
    });
    expect(elsewhere).toMatchObject({ status: "fulfilled" });
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ order_source: 1000 }]);
  });

  test("of which the database rejects one: it fails alone", async () => {
    const { committer, submit } = useCommitter();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => submit(index === 5 ? { rechargeAccount: "x".repeat(200) } : {})),
    );

    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 8 }, (_, index) => (index === 5 ? "rejected" : "fulfilled")),
    );
    expect(results[5]).toMatchObject({ reason: { code: "ER_DATA_TOO_LONG" } });
    expect(committer.batches.flat()).toHaveLength(7);
  });

  test("exist with a main row alone", async () => {
    const { submit } = useCommitter();
    const orderId = newId();
    await db.insertInto("oms_db.oms_order_main").values({ order_id: orderId }).execute();

    await expect(submit({ orderId })).rejects.toMatchObject({ kind: "order-exists" });
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toEqual([]);
  });

  test("are seen by the requests behind them in the same batch", async () => {
    const { committer, sizes, submit } = useCommitter();
    const orderId = newId();
    const results = await Promise.all([submit({ orderId }), committer.report(report(orderId, Status.PAID))]);

    expect(results).toMatchObject([orderId, { outcome: "applied", version: 2 }]);
    expect(sizes).toEqual([2]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
      { order_status: Status.PAID, version: 2, warehouse_count: 2 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ is_payed: 1 }]);
  });

  test("that another server inserts at the same time: the batch is retried, and the order exists", async () => {
    const { committer, retries } = useCommitter();
    const otherServer = await createConnection({ uri: url });
    onTestFinished(() => otherServer.destroy());
    const orderId = newId();
    await otherServer.query("begin");
    await otherServer.query(`insert into ${prefix}oms_db.oms_order_main (order_id) values (${orderId})`);
    const created = committer.change(change(orderId, { creates: true, decide: () => creation(orderId) }));
    await waitsForLock(db, orderId);
    await otherServer.query("commit");

    expect(await created).toEqual({ kind: "order-exists" });
    expect(retries).toEqual(["deadlock"]);
  });
});

/** What SubmitOrder decides. */
function creation(orderId: bigint) {
  const now = new Date();
  const order = {
    orderId,
    rootParentId: orderId,
    orderSource: 1000,
    orderType: 1,
    warehouseCount: 1,
    status: Status.CREATED,
    version: 1,
    paused: false,
    passed: 1,
    statusTime: now,
    virtual: false,
    isParent: false,
    isFinish: false,
  };
  const event = creationEvent(order, { cause: CAUSE, requestId: "", remark: "" }, now);
  return {
    result: { orderId },
    events: [event],
    created: [{ order, parentId: 0n, rechargeAccount: "", lines: [], invoice: undefined, event }],
  };
}

describe("a change", () => {
  const OPEN = { result: "done", events: [] };

  test("that throws fails alone, without a retry", async () => {
    const { committer, sizes, retries } = useCommitter();
    const [good, bad] = [await insertOrder(db), await insertOrder(db)];
    const results = await Promise.allSettled([
      committer.change(
        change(bad, {
          decide: () => {
            throw new Error("no");
          },
        }),
      ),
      committer.report(report(good, Status.PAID)),
    ]);

    expect(results).toMatchObject([
      { status: "rejected", reason: { message: "no" } },
      { status: "fulfilled", value: { outcome: "applied" } },
    ]);
    expect([sizes, retries]).toEqual([[2], []]);
  });

  test("sees what earlier changes of its order wrote: it starts a batch of its own", async () => {
    const { committer, sizes } = useCommitter();
    const [orderId, other] = [await insertOrder(db), await insertOrder(db)];
    const record = (quantity: number, id = orderId) => {
      const input = { orderId: id, lines: [{ skuId: 5n, quantity }], requestId: "", operator: "wms" };
      return recordShippedQuantities({ ...operations, committer }, input, CONTEXT);
    };
    await Promise.all([record(1), record(9, other), record(2), record(3)]);

    expect(await readShippedLines(db, orderId)).toEqual([{ skuId: 5n, quantity: 3 }]);
    expect(await readShippedLines(db, other)).toEqual([{ skuId: 5n, quantity: 9 }]);
    expect(sizes).toEqual([2, 1, 1]);
  });

  test("reads under the lock of its orders, and is deferred while one of them is locked", async () => {
    const { committer } = useCommitter();
    const [orderId, locked, free] = [await insertOrder(db), await insertOrder(db), await insertOrder(db)];
    const otherSystem = await createConnection({ uri: url });
    onTestFinished(() => otherSystem.destroy());
    await otherSystem.query("begin");
    await otherSystem.query(`update ${prefix}oms_db.oms_order_main set is_refund = 1 where order_id = ${locked}`);
    const order: string[] = [];
    const changed = committer.change(
      change<boolean, { mark: boolean }>(orderId, {
        otherOrderIds: [locked],
        reads: { mark: refundMark(db, locked) },
        decide: ({ orders, reads: { mark } }) => {
          order.push("changed");
          expect(orders.map((one) => one.orderId)).toEqual([orderId, locked]);
          return { result: mark, events: [] };
        },
      }),
    );
    await committer.report(report(free, Status.PAID));
    order.push("reported");
    await otherSystem.query("commit");

    expect(await changed).toEqual({ kind: "decided", result: true });
    expect(order).toEqual(["reported", "changed"]);
  });

  test("keeps the first answer to its request id, but none that is undefined", async () => {
    const { committer } = useCommitter();
    const orderId = await insertOrder(db);
    const answers = ["first", "second"];
    const request = (requestId: string, decide: () => { result: unknown; events: [] }) =>
      committer.change(change(orderId, { requestId, decide }));

    const next = () => ({ result: answers.shift(), events: [] as [] });
    expect(await request("change-1", next)).toEqual({ kind: "decided", result: "first" });
    expect(await request("change-1", next)).toEqual({ kind: "decided", result: "first" });
    expect(answers).toEqual(["second"]);
    expect(await request("change-2", () => ({ result: undefined, events: [] }))).toEqual({
      kind: "decided",
      result: undefined,
    });
    expect(await request("change-2", next)).toEqual({ kind: "decided", result: "second" });
  });

  test("of an unknown order is decided without it", async () => {
    const { committer } = useCommitter();
    const result = await committer.change(
      change(4n, { decide: ({ order, orders }) => ({ result: [order, orders], events: [] }) }),
    );
    expect(result).toEqual({ kind: "decided", result: [undefined, []] });
  });

  test("whose deadline has passed is not started", async () => {
    const { committer } = useCommitter();
    const orderId = await insertOrder(db);
    const late = committer.change(change(orderId, { decide: () => OPEN }), { deadline: new Date(0) });
    await expect(late).rejects.toMatchObject({ name: "DeadlinePassedError" });
  });
});

describe("a connection lost during the commit of new orders", () => {
  const useProxied = () => useCommitter({ db: openDatabase({ url: proxy.url, prefix }), kinds: DEFAULT_ORDER_KINDS });

  test("after it: they are found, answered and published once", async () => {
    const { committer, submit } = useProxied();
    proxy.disruptNext("oms_order_detail", "lose-answer");
    const ids = await Promise.all([submit(), submit({ requestId: "lost-1" }), submit({ orderId: newId() })]);

    expect(proxy.pendingDisruptions).toBe(0);
    expect(committer.batches.flat().map(({ row }) => row.messageId)).toEqual(ids.map((id) => `${id}-1`));
    expect(await Promise.all(ids.map((id) => rowsOf(db, "oms_db.oms_order_main", id)))).toMatchObject(
      ids.map((order_id) => [{ order_id }]),
    );
  });

  test("before it, and the order exists afterwards: the outcome counts as unknown", async () => {
    const { committer, submit } = useProxied();
    await submit();
    // Like an attempt that the server still executes: its row is not visible, and not locked.
    const earlier = await createConnection({ uri: url });
    onTestFinished(() => earlier.destroy());
    const orderId = newId();
    await earlier.query("begin");
    await earlier.query(`insert into ${prefix}oms_db.oms_order_main (order_id) values (${orderId})`);
    proxy.disruptNext("oms_order_detail", "lose-request");
    const answer = submit({ orderId });
    answer.catch(() => {});
    await waitsForLock(db, orderId);
    expect(proxy.pendingDisruptions).toBe(0);
    await earlier.query("commit");

    await expect(answer).rejects.toMatchObject({ name: "DatabaseUnavailableError" });
    expect(committer.batches.flat()).toHaveLength(1);
    await expect(submit({ orderId })).rejects.toMatchObject({ kind: "order-exists" });
  });

  test("before it: they are created by the next attempt", async () => {
    const { committer, retries, submit } = useProxied();
    proxy.disruptNext("oms_order_detail", "lose-request", 2);
    const orderId = newId();
    expect(await submit({ orderId })).toBe(orderId);
    expect(retries).toEqual(["connection-lost", "connection-lost"]);
    expect(committer.batches.flat()).toHaveLength(1);
  });
});
