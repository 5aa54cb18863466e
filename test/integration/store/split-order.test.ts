import { expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { splitOrder } from "../../../src/store/orders/split-order.ts";
import { submitOrder } from "../../../src/store/orders/submit-order.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { flowOrderReader } from "../../../src/store/reads/flows.ts";
import { CAUSE, eventDeps, openCommitter, pause, report, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };
const committer = openCommitter(db);

async function approved(): Promise<bigint> {
  const result = await submitOrder(deps, DEFAULT_ORDER_KINDS, {
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
    cause: CAUSE,
  });
  const { orderId } = result as { readonly orderId: bigint };
  await committer.report(report(orderId, Status.PAID));
  await committer.report(report(orderId, Status.APPROVED));
  told.length = 0;
  return orderId;
}

const split = (orderId: bigint) => splitOrder(deps, DEFAULT_ORDER_KINDS, { orderId, cause: CAUSE });

test("the children and the parent's end are one commit", async () => {
  const orderId = await approved();

  const result = await split(orderId);
  if (result.kind !== "split") {
    throw new Error(result.why);
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
  const state = { status: Status.APPROVED, paused: false, version: 1, warehouseCount: 1 };
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
  expect(told.map(({ event }) => event.messageId)).toEqual([`${orderId}-4`, `${first}-1`, `${second}-1`]);
});

test("many calls at once split once", async () => {
  const orderId = await approved();

  const answers = await Promise.all(Array.from({ length: 8 }, () => split(orderId)));

  expect(answers.map(({ kind }) => kind).toSorted()).toEqual([...Array(7).fill("not-now"), "split"]);
  expect(told).toHaveLength(3);
});

test("a paused order is not split", async () => {
  const orderId = await approved();
  await committer.pause(pause(orderId, true));

  expect(await split(orderId)).toMatchObject({ kind: "not-now" });
  expect(told).toEqual([]);
});
