import { expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { type Submission, submitOrder } from "../../../src/store/orders/submit-order.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { CAUSE, eventDeps, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };

const submission: Submission = {
  orderId: 0n,
  rootParentId: 0n,
  orderSource: 1000,
  orderType: 1,
  lines: [
    { skuId: 7n, quantity: 1, warehouseId: 1n },
    { skuId: 7n, quantity: 2, warehouseId: 1n },
    { skuId: 7n, quantity: 4, warehouseId: 2n },
  ],
  rechargeAccount: "",
  invoice: { title: "Li", content: "", taxPayerCode: "", email: "li@example.com" },
  requestId: "",
  cause: CAUSE,
};

async function submit(more: Partial<Submission> = {}): Promise<bigint> {
  const result = await submitOrder(deps, DEFAULT_ORDER_KINDS, { ...submission, ...more });
  if (typeof result === "string") {
    throw new Error(result);
  }
  return result.orderId;
}

test("an order, its lines, its invoice, its history and its event are one commit", async () => {
  told.length = 0;
  const orderId = await submit();

  expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([
    { root_parent_id: orderId, is_parent: 0, order_source: 1000, order_type: 1, is_payed: 0 },
  ]);
  expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
    { order_status: Status.CREATED, version: 1, is_pause: 0, is_finish: 0, warehouse_count: 2 },
  ]);
  expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toMatchObject([
    { version: 1, from_status: 0, to_status: Status.CREATED },
  ]);
  const lines = await db
    .selectFrom("oms_db.oms_order_line")
    .select(["warehouse_id", "quantity"])
    .where("order_id", "=", orderId)
    .orderBy("warehouse_id")
    .execute();
  expect(lines).toEqual([
    { warehouse_id: 1n, quantity: 3 },
    { warehouse_id: 2n, quantity: 4 },
  ]);
  const details = await db
    .selectFrom("oms_db.oms_order_detail")
    .select(["sku_id", "quantity"])
    .where("order_id", "=", orderId)
    .execute();
  expect(details).toEqual([{ sku_id: 7n, quantity: 7 }]);
  const invoice = db.selectFrom("oms_db.oms_order_invoice").selectAll().where("order_id", "=", orderId);
  expect(await invoice.execute()).toMatchObject([{ invoice_title: "Li", invoice_email: "li@example.com" }]);
  expect(told.map(({ event }) => event)).toMatchObject([
    { messageId: `${orderId}-1`, fromStatus: 0, toStatus: Status.CREATED, version: 1, warehouseCount: 2 },
  ]);
});

test("a request id gives the first order, and nothing else with another content", async () => {
  const orderId = await submit({ requestId: "submit-1" });

  expect(await submit({ requestId: "submit-1" })).toBe(orderId);
  const other = { ...submission, requestId: "submit-1", orderSource: 1025 };
  expect(await submitOrder(deps, DEFAULT_ORDER_KINDS, other)).toBe("request-id-reused");
});

test("many calls at once with one request id are one order", async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => submit({ requestId: "submit-many" })));

  expect(new Set(ids).size).toBe(1);
});

test("a repeat at the same time, with an order id of the caller's, gets the first order", async () => {
  for (let round = 0; round < 20; round += 1) {
    const orderId = 7_000_000n + BigInt(round);
    const requestId = `twice-${orderId}`;
    const ids = await Promise.all(Array.from({ length: 4 }, () => submit({ orderId, requestId })));
    expect(ids).toEqual(Array(4).fill(orderId));
  }
});

test("an id that is taken is taken", async () => {
  const orderId = await submit({ orderId: 77n });

  const again = await submitOrder(deps, DEFAULT_ORDER_KINDS, { ...submission, orderId });
  expect(again).toBe("order-exists");
});

test("many calls at once with one order id are one order", async () => {
  const calls = Array.from({ length: 8 }, () =>
    submitOrder(deps, DEFAULT_ORDER_KINDS, { ...submission, orderId: 78n }),
  );
  const answers = await Promise.all(calls);

  expect(answers.filter((answer) => answer !== "order-exists")).toEqual([{ orderId: 78n }]);
});

test("ids that are given out at once are different", async () => {
  const ids = await Promise.all(Array.from({ length: 32 }, () => submit()));

  expect(new Set(ids).size).toBe(32);
});
