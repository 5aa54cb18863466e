import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { requestReturn } from "../../../src/store/orders/request-return.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { readReturnDetails } from "../../../src/store/reads/reversal.ts";
import { readSnapshots } from "../../../src/store/reads/snapshots.ts";
import { CAUSE, eventDeps, insertOrder, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };
beforeEach(() => {
  told.length = 0;
});

async function delivered(shipped?: number): Promise<bigint> {
  const orderId = await insertOrder(db, { status: Status.DELIVERED });
  await db
    .insertInto("oms_db.oms_order_detail")
    .values([
      { order_id: orderId, sku_id: 11n, quantity: 5 },
      { order_id: orderId, sku_id: 12n, quantity: 1 },
    ])
    .execute();
  if (shipped !== undefined) {
    const row = { order_id: orderId, sku_id: 11n, delivery_num: shipped };
    await db.insertInto("oms_db.oms_order_detail_exp").values(row).execute();
  }
  return orderId;
}
const back = (orderId: bigint, lines: readonly (readonly [bigint, number])[], requestId = "") =>
  requestReturn(deps, {
    orderId,
    lines: lines.map(([skuId, quantity]) => ({ skuId, quantity })),
    reason: "r",
    requestId,
    cause: CAUSE,
  });

test("up to what was ordered, over several returns; the mark goes out once", async () => {
  const orderId = await delivered();
  expect(
    await back(orderId, [
      [11n, 3],
      [12n, 1],
    ]),
  ).toMatchObject({ kind: "taken", verdict: "MARKED" });
  expect(await back(orderId, [[11n, 3]])).toEqual({ kind: "too-many", index: 0, shipped: 5, returned: 3 });
  expect(await back(orderId, [[11n, 2]])).toMatchObject({ kind: "taken" });
  expect(told.map(({ event }) => event.type)).toEqual(["return-requested", "return-marked", "return-requested"]);
  expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ is_refund: 1 }]);
  const details = await readReturnDetails(db, [orderId]);
  expect(details.map(({ skuId, quantity }) => [skuId, quantity])).toEqual([
    [11n, 3],
    [12n, 1],
    [11n, 2],
  ]);
  const [snapshot] = [...(await readSnapshots(db, [orderId])).values()];
  expect(snapshot?.returnIds).toEqual([...new Set(details.map(({ returnId }) => returnId))]);
});

test("what was really shipped counts where it is known", async () => {
  const orderId = await delivered(2);
  expect(await back(orderId, [[11n, 3]])).toEqual({ kind: "too-many", index: 0, shipped: 2, returned: 0 });
  expect(
    await back(orderId, [
      [11n, 2],
      [12n, 1],
    ]),
  ).toEqual({ kind: "too-many", index: 1, shipped: 0, returned: 0 });
});

test("before the hand-over nothing is written; the same request id has the same answer ever after", async () => {
  const orderId = await insertOrder(db, { status: Status.PACKED });
  const verdict = { kind: "taken", returnId: 0n, verdict: "NOT_HANDED_OVER" };
  expect(await back(orderId, [[11n, 1]], "b-1")).toEqual(verdict);
  await db
    .updateTable("oms_db.oms_order_status")
    .set({ order_status: Status.DELIVERED })
    .where("order_id", "=", orderId)
    .execute();
  expect(await back(orderId, [[11n, 1]], "b-1")).toEqual(verdict);
  expect(await back(orderId, [[11n, 2]], "b-1")).toBe("request-id-reused");
  expect(await readReturnDetails(db, [orderId])).toEqual([]);
  expect(told).toEqual([]);
});

test("a repeat with the same request id is the same return; an unknown order is undefined", async () => {
  const orderId = await delivered();
  const first = await back(orderId, [[11n, 5]], "b-2");
  expect(await back(orderId, [[11n, 5]], "b-2")).toEqual(first);
  expect(await readReturnDetails(db, [orderId])).toHaveLength(1);
  expect(await back(4n, [[11n, 1]])).toBeUndefined();
});
