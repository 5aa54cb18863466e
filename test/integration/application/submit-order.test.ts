import { expect, test } from "vitest";
import { type SubmitOrderInput, submitOrder } from "../../../src/application/fulfilment/submit-order.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { CONTEXT, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published } = useOperations(db);

const input: SubmitOrderInput = {
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
  operator: "li",
};

async function submit(more: Partial<SubmitOrderInput> = {}): Promise<bigint> {
  return (await submitOrder(operations, { ...input, ...more }, CONTEXT)).orderId;
}

test("an order, its lines, its invoice, its history and its event are one commit", async () => {
  published.length = 0;
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
  expect(published.map(({ event }) => event)).toMatchObject([
    { messageId: `${orderId}-1`, fromStatus: 0, toStatus: Status.CREATED, version: 1, warehouseCount: 2 },
  ]);
});

test("a repeated request id gets the first order, and an error with another content", async () => {
  const orderId = await submit({ requestId: "submit-1" });

  expect(await submit({ requestId: "submit-1" })).toBe(orderId);
  const other = submit({ requestId: "submit-1", orderSource: 1025 });
  await expect(other).rejects.toMatchObject({ kind: "request-id-reused" });
});

test("concurrent calls with one request id are one order", async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => submit({ requestId: "submit-many" })));

  expect(new Set(ids).size).toBe(1);
});

test("concurrent repeats with the caller's order id get the first order", async () => {
  for (let round = 0; round < 20; round += 1) {
    const orderId = 7_000_000n + BigInt(round);
    const requestId = `twice-${orderId}`;
    const ids = await Promise.all(Array.from({ length: 4 }, () => submit({ orderId, requestId })));
    expect(ids).toEqual(Array(4).fill(orderId));
  }
});

test("an existing order id is rejected", async () => {
  const orderId = await submit({ orderId: 77n });

  await expect(submit({ orderId })).rejects.toMatchObject({ kind: "order-exists" });
});

test("concurrent calls with one order id are one order", async () => {
  const answers = await Promise.allSettled(Array.from({ length: 8 }, () => submit({ orderId: 78n })));

  expect(answers.filter(({ status }) => status === "fulfilled")).toEqual([{ status: "fulfilled", value: 78n }]);
  const errors = answers.flatMap((answer) => (answer.status === "rejected" ? answer.reason.kind : []));
  expect(errors).toEqual(Array(7).fill("order-exists"));
});

test("ids generated at the same time are different", async () => {
  const ids = await Promise.all(Array.from({ length: 32 }, () => submit()));

  expect(new Set(ids).size).toBe(32);
});
