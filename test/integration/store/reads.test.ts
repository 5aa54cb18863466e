import { afterAll, describe, expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { readDetailLines, readShippedLines } from "../../../src/store/reads/goods.ts";
import { readChangesSince, readHistory } from "../../../src/store/reads/history.ts";
import {
  readMaxSubOrderStatus,
  readOrderFacts,
  readOrderIdsOfTrade,
  readOrderSources,
  readPayable,
  readPayment,
} from "../../../src/store/reads/orders.ts";
import { readSnapshots, snapshotReader } from "../../../src/store/reads/snapshots.ts";
import { CAUSE, insertOrder, openCommitter, pause, report, useStore } from "./fixture.ts";

const { db } = useStore();
const committer = openCommitter(db);
afterAll(() => committer.close());

describe("snapshots", () => {
  test("have each order's state, and leave out missing orders", async () => {
    const orderId = await insertOrder(db, { rootParentId: 55n });
    const other = await insertOrder(db);
    await committer.report(report(orderId, Status.PAID));
    await committer.pause(pause(orderId, true));
    const updateTime = committer.batches.flat().at(-1)?.event.recordTime;
    await db
      .insertInto("ordercancel_db.order_return_detail")
      .values([
        { order_id: orderId, return_id: 901n },
        { order_id: orderId, return_id: 900n },
      ])
      .execute();
    expect(await readSnapshots(db, [other, 4n, orderId])).toEqual(
      new Map([
        [
          orderId,
          {
            orderId,
            status: Status.PAID,
            paused: true,
            version: 1,
            updateTime,
            rootParentId: 55n,
            returnIds: [900n, 901n],
          },
        ],
        [
          other,
          {
            orderId: other,
            status: Status.CREATED,
            paused: false,
            version: 0,
            updateTime: expect.any(Date),
            rootParentId: other,
            returnIds: [],
          },
        ],
      ]),
    );
    expect(await readSnapshots(db, [])).toEqual(new Map());
  });

  test("of concurrent calls share a query", async () => {
    const orderIds = await Promise.all(Array.from({ length: 30 }, () => insertOrder(db)));
    const read = snapshotReader(db);
    const snapshots = await Promise.all([...orderIds, 4n, orderIds[0] as bigint].map(read));
    expect(snapshots.map((snapshot) => snapshot?.orderId)).toEqual([...orderIds, undefined, orderIds[0]]);
  });

  test("are exact for ids beyond 2^53", async () => {
    const orderId = 9_007_199_254_740_993n;
    await insertOrder(db, { orderId });
    await insertOrder(db, { orderId: orderId - 1n, status: Status.PAID });
    expect((await readSnapshots(db, [orderId])).get(orderId)).toMatchObject({ orderId, status: Status.CREATED });
    expect(await committer.report(report(orderId, Status.PAID))).toMatchObject({ messageId: "9007199254740993-1" });
  });
});

describe("a trade", () => {
  test("has the greatest status of its counted sub-orders", async () => {
    const root = await insertOrder(db, { isParent: 1, status: Status.CANCELLED });
    const sub = (status: Status, orderType = 1) => insertOrder(db, { rootParentId: root, status, orderType });
    expect(await readMaxSubOrderStatus(db, root, [41, 5, 4], undefined)).toBeUndefined();
    const orderIds = [
      root,
      await sub(Status.PICKING),
      await sub(Status.HANDED_OVER),
      await sub(Status.DELIVERED, 41),
      await sub(Status.DELIVERED, 5),
    ];
    expect(await readMaxSubOrderStatus(db, root, [41, 5, 4], undefined)).toBe(Status.HANDED_OVER);
    expect(await readMaxSubOrderStatus(db, root, [], undefined)).toBe(Status.DELIVERED);
    expect(await readMaxSubOrderStatus(db, 4n, [41], undefined)).toBeUndefined();
    expect(await readOrderIdsOfTrade(db, root, undefined)).toEqual(orderIds);
    expect(await readOrderIdsOfTrade(db, 4n, undefined)).toEqual([]);
  });
});

test("payment", async () => {
  const orderId = await insertOrder(db, { orderSource: 1025 });
  expect(await readPayment(db, orderId)).toEqual({ paid: false });
  await committer.report(report(orderId, Status.PAID));
  expect(await readPayment(db, orderId)).toEqual({ paid: true });
  expect(await readPayment(db, 4n)).toBeUndefined();
  const createTime = new Date("2026-01-02T03:04:05.678Z");
  await db
    .updateTable("oms_db.oms_order_main")
    .set({ create_date: createTime })
    .where("order_id", "=", orderId)
    .execute();
  expect(await readPayable(db, orderId)).toEqual({ orderSource: 1025, createTime, cancelRequested: false });
  await db.insertInto("ordercancel_db.oms_order_cancel").values({ order_id: orderId }).execute();
  expect(await readPayable(db, orderId)).toEqual({ orderSource: 1025, createTime, cancelRequested: true });
  expect(await readPayable(db, 4n)).toBeUndefined();
});

test("order sources, by number", async () => {
  await db
    .insertInto("oms_db.oms_order_source")
    .values([
      { order_source: 2001, order_source_value: "美团" },
      { order_source: 1000, order_source_value: null },
    ])
    .execute();
  expect(await readOrderSources(db)).toEqual([
    { orderSource: 1000, name: "" },
    { orderSource: 2001, name: "美团" },
  ]);
});

test("the facts of an order equal those of the committer", async () => {
  const orderId = await insertOrder(db, { orderType: 31, orderSource: 2002 });
  const occurTime = new Date("2026-03-01T08:00:00.123Z");
  await committer.report(report(orderId, Status.PAID, { occurTime }));
  expect(await readOrderFacts(db, orderId, DEFAULT_ORDER_KINDS)).toEqual({
    orderId,
    rootParentId: orderId,
    status: Status.PAID,
    version: 1,
    paused: false,
    passed: 0b11,
    statusTime: occurTime,
    virtual: true,
    isParent: false,
    isFinish: false,
    orderSource: 2002,
    orderType: 31,
    warehouseCount: 0,
  });
  expect(await readOrderFacts(db, 4n, DEFAULT_ORDER_KINDS)).toBeUndefined();
});

describe("history", () => {
  test("of an order, page by page", async () => {
    const orderId = await insertOrder(db, { status: Status.WMS_DISPATCHED });
    const occurTime = new Date("2026-03-01T08:00:00.123Z");
    await committer.report(report(orderId, Status.PACKED, { occurTime, requestId: "r-history", remark: "one" }));
    await committer.report(report(orderId, Status.PICKING));
    await committer.report(report(orderId, Status.HANDED_OVER));
    const all = await readHistory(db, orderId, { afterId: 0n, limit: 10 });
    expect(all).toMatchObject([
      {
        orderId,
        version: 1,
        fromStatus: Status.WMS_DISPATCHED,
        toStatus: Status.PACKED,
        outcome: "applied",
        occurTime,
        caller: CAUSE.caller,
        operator: CAUSE.operator,
        requestId: "r-history",
        remark: "one",
        messageId: `${orderId}-1`,
      },
      { version: 1, fromStatus: Status.PACKED, toStatus: Status.PICKING, outcome: "stale", messageId: "" },
      {
        version: 2,
        fromStatus: Status.PACKED,
        toStatus: Status.HANDED_OVER,
        outcome: "applied",
        messageId: `${orderId}-2`,
      },
    ]);
    const first = await readHistory(db, orderId, { afterId: 0n, limit: 2 });
    expect(first).toEqual(all.slice(0, 2));
    expect(await readHistory(db, orderId, { afterId: first[1]?.id as bigint, limit: 2 })).toEqual(all.slice(2));
    expect(await readHistory(db, 4n, { afterId: 0n, limit: 2 })).toEqual([]);
  });

  test("after a version, for many orders: the events as they were sent", async () => {
    const [one, two, three] = [
      await insertOrder(db, { orderSource: 2001 }),
      await insertOrder(db),
      await insertOrder(db),
    ];
    for (const status of [Status.PAID, Status.APPROVED, Status.ERP_ALLOCATED]) {
      await committer.report(report(one, status));
    }
    await committer.report(report(two, Status.PAID));
    await committer.report(report(two, Status.CREATED));
    await committer.report(report(three, Status.PAID));
    const events = committer.batches.flat().map(({ event }) => event);
    const eventOf = (messageId: string) => events.find((event) => event.messageId === messageId);
    expect(
      await readChangesSince(
        db,
        new Map([
          [two, 0],
          [one, 1],
          [three, 1],
          [4n, 0],
        ]),
      ),
    ).toEqual([eventOf(`${one}-2`), eventOf(`${one}-3`), eventOf(`${two}-1`)]);
    expect(await readChangesSince(db, new Map())).toEqual([]);
  });
});

test("lines, ordered and shipped", async () => {
  const orderId = await insertOrder(db);
  await db
    .insertInto("oms_db.oms_order_detail")
    .values([
      { order_id: orderId, sku_id: 12n, quantity: 2 },
      { order_id: orderId, sku_id: 11n, quantity: 5 },
    ])
    .execute();
  expect(await readDetailLines(db, orderId)).toEqual([
    { skuId: 11n, quantity: 5 },
    { skuId: 12n, quantity: 2 },
  ]);
  expect(await readShippedLines(db, orderId)).toEqual([]);
});
