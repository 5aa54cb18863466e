import { expect, test } from "vitest";
import { splitOrder } from "../../../src/application/fulfilment/split-order.ts";
import { submitOrder } from "../../../src/application/fulfilment/submit-order.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { flowOrderReader } from "../../../src/store/reads/flows.ts";
import { CONTEXT, pause, report, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published, committer } = useOperations(db);

async function approved(): Promise<bigint> {
  const input = {
    orderId: 0n,
    rootParentId: 0n,
    orderSource: 1000,
    orderType: 1,
    lines: [
      { skuId: 7n, quantity: 1, warehouseId: 1n },
      { skuId: 7n, quantity: 2, warehouseId: 2n },
      { skuId: 8n, quantity: 3, warehouseId: 2n },
    ],
    rechargeAccount: "",
    invoice: undefined,
    requestId: "",
    operator: "li",
  };
  const { orderId } = await submitOrder(operations, input, CONTEXT);
  await committer.report(report(orderId, Status.PAID));
  await committer.report(report(orderId, Status.APPROVED));
  published.length = 0;
  return orderId;
}

const split = (orderId: bigint) => splitOrder(operations, { orderId, operator: "split" }, CONTEXT);

test("the child orders and the parent's SPLIT are one commit", async () => {
  const orderId = await approved();

  const result = await split(orderId);
  if (result.kind !== "split") {
    throw new Error(result.reason);
  }
  const [first, second] = result.childOrderIds as readonly [bigint, bigint];
  expect(result.childOrderIds).toHaveLength(2);
  expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ is_parent: 1 }]);
  expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
    { order_status: Status.SPLIT, version: 4 },
  ]);
  expect(await rowsOf(db, "oms_db.oms_order_main", first)).toMatchObject([
    { parent_id: orderId, root_parent_id: orderId, is_parent: 0, is_payed: 1 },
  ]);
  expect(await rowsOf(db, "oms_db.oms_status_history", first)).toMatchObject([
    { version: 1, from_status: 0, to_status: Status.APPROVED },
  ]);
  const read = flowOrderReader(db);
  const state = { status: Status.APPROVED, paused: false, version: 1, warehouseCount: 1, passed: expect.any(Number) };
  expect(await Promise.all([read(first), read(second), read(4n)])).toEqual([
    { orderId: first, ...state, lines: [{ skuId: 7n, quantity: 1, warehouseId: 1n }] },
    {
      orderId: second,
      ...state,
      lines: [
        { skuId: 7n, quantity: 2, warehouseId: 2n },
        { skuId: 8n, quantity: 3, warehouseId: 2n },
      ],
    },
    undefined,
  ]);
  expect(published.map(({ event }) => event.messageId)).toEqual([`${orderId}-4`, `${first}-1`, `${second}-1`]);
});

test("concurrent calls split once", async () => {
  const orderId = await approved();

  const answers = await Promise.all(Array.from({ length: 8 }, () => split(orderId)));

  expect(answers.map(({ kind }) => kind).toSorted()).toEqual([...Array(7).fill("skipped"), "split"]);
  expect(published).toHaveLength(3);
});

test("a paused order is not split", async () => {
  const orderId = await approved();
  await committer.pause(pause(orderId, true));
  published.length = 0;

  expect(await split(orderId)).toMatchObject({ kind: "skipped" });
  expect(published).toEqual([]);
});
