import { beforeEach, expect, test } from "vitest";
import { requestReturn } from "../../../src/application/reversal/returns.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { readReturnDetails } from "../../../src/store/reads/reversal.ts";
import { readSnapshots } from "../../../src/store/reads/snapshots.ts";
import { CONTEXT, insertOrder, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published } = useOperations(db);
beforeEach(() => {
  published.length = 0;
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
const requestLines = (orderId: bigint, lines: readonly (readonly [bigint, number])[], requestId = "") => {
  const skuLines = lines.map(([skuId, quantity]) => ({ skuId, quantity }));
  return requestReturn(operations, { orderId, lines: skuLines, reason: "r", requestId, operator: "li" }, CONTEXT);
};
const tooMany = (index: number, message: string) => ({
  kind: "invalid",
  fieldViolations: [{ field: `lines[${index}].quantity`, description: expect.stringContaining(message) }],
});

test("up to the ordered quantity, over several returns; the refund mark is published once", async () => {
  const orderId = await delivered();
  expect(
    await requestLines(orderId, [
      [11n, 3],
      [12n, 1],
    ]),
  ).toMatchObject({ verdict: "MARKED" });
  await expect(requestLines(orderId, [[11n, 3]])).rejects.toMatchObject(tooMany(0, "5 shipped, 3 returned before"));
  expect(await requestLines(orderId, [[11n, 2]])).toMatchObject({ verdict: "MARKED" });
  expect(published.map(({ event }) => event.type)).toEqual(["return-requested", "return-marked", "return-requested"]);
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

test("the shipped quantities count where they are recorded", async () => {
  const orderId = await delivered(2);
  await expect(requestLines(orderId, [[11n, 3]])).rejects.toMatchObject(tooMany(0, "2 shipped, 0 returned before"));
  const both = requestLines(orderId, [
    [11n, 2],
    [12n, 1],
  ]);
  await expect(both).rejects.toMatchObject(tooMany(1, "0 shipped, 0 returned before"));
});

test("before the hand-over nothing is written; the request id keeps its answer", async () => {
  const orderId = await insertOrder(db, { status: Status.PACKED });
  const verdict = { returnId: 0n, verdict: "NOT_HANDED_OVER" };
  expect(await requestLines(orderId, [[11n, 1]], "b-1")).toEqual(verdict);
  await db
    .updateTable("oms_db.oms_order_status")
    .set({ order_status: Status.DELIVERED })
    .where("order_id", "=", orderId)
    .execute();
  expect(await requestLines(orderId, [[11n, 1]], "b-1")).toEqual(verdict);
  await expect(requestLines(orderId, [[11n, 2]], "b-1")).rejects.toMatchObject({ kind: "request-id-reused" });
  expect(await readReturnDetails(db, [orderId])).toEqual([]);
  expect(published).toEqual([]);
});

test("a repeat with the same request id is the same return; an unknown order is not found", async () => {
  const orderId = await delivered();
  const first = await requestLines(orderId, [[11n, 5]], "b-2");
  expect(await requestLines(orderId, [[11n, 5]], "b-2")).toEqual(first);
  expect(await readReturnDetails(db, [orderId])).toHaveLength(1);
  await expect(requestLines(4n, [[11n, 1]])).rejects.toMatchObject({ kind: "not-found" });
});
