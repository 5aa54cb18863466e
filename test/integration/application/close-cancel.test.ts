import { beforeEach, expect, test } from "vitest";
import { closeCancel } from "../../../src/application/reversal/close-cancel.ts";
import { requestCancel } from "../../../src/application/reversal/request-cancel.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { readCancel } from "../../../src/store/reads/reversal.ts";
import { CONTEXT, insertOrder, report, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published, committer } = useOperations(db);
beforeEach(() => {
  published.length = 0;
});

async function insertWaiting(status: Status): Promise<{ readonly orderId: bigint; readonly cancelId: bigint }> {
  const orderId = await insertOrder(db, { status });
  return { orderId, cancelId: await requestAgain(orderId) };
}
async function requestAgain(orderId: bigint): Promise<bigint> {
  const input = { orderId, reason: "r", operator: "li", requestId: "" };
  const { cancelId, state } = await requestCancel(operations, input, CONTEXT);
  expect(state).toBe("WAITING_FOR_WMS");
  published.length = 0;
  return cancelId;
}
const close = (orderId: bigint, agreed: boolean, more: { cancelId?: bigint; requestId?: string } = {}) => {
  const answer = agreed ? ({ kind: "agreed", reason: "" } as const) : ({ kind: "refused", reason: "packed" } as const);
  return closeCancel(operations, { orderId, cancelId: undefined, answer, operator: "wms", ...more }, CONTEXT);
};
const steps = () =>
  published.map(({ event }) => (event.type === "cancel-progressed" ? `cancel ${event.step}` : event.type));

test("agreed: cancelled; a second answer changes nothing", async () => {
  const { orderId, cancelId } = await insertWaiting(Status.PICKING);
  expect(await close(orderId, true, { cancelId })).toBe("CANCELLED");
  expect(await close(orderId, true, { cancelId })).toBe("CANCELLED");
  expect(steps()).toEqual(["cancel agreed", "status-changed", "cancel done"]);
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId, currentProcess: 100, processFlag: 60 });
});

test("refused: the order is resumed, and the reason is stored", async () => {
  const { orderId, cancelId } = await insertWaiting(Status.PICKING);
  expect(await close(orderId, false)).toBe("REFUSED");
  expect(steps()).toEqual(["pause-changed", "cancel refused"]);
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId, state: "REFUSED", refusalReason: "packed" });
  expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ is_pause: 0 }]);
});

test("agreed, but handed over in the meantime: refused with that reason", async () => {
  const { orderId } = await insertWaiting(Status.PACKED);
  await committer.report(report(orderId, Status.HANDED_OVER));
  expect(await close(orderId, true)).toBe("REFUSED");
  expect(await readCancel(db, orderId)).toMatchObject({ refusalReason: expect.stringContaining("left the warehouse") });
});

test("agreed, but handed over in the meantime: the contradiction is an event, once", async () => {
  const { orderId } = await insertWaiting(Status.PACKED);
  await committer.report(report(orderId, Status.HANDED_OVER));
  published.length = 0;
  expect([await close(orderId, true), await close(orderId, true)]).toEqual(["REFUSED", "CONFLICT"]);
  expect(steps()).toEqual(["cancel agreed", "pause-changed", "cancel refused", "cancel conflict"]);
});

test("refused, then agreed: the order is cancelled", async () => {
  const { orderId } = await insertWaiting(Status.PACKED);
  expect([await close(orderId, false), await close(orderId, true)]).toEqual(["REFUSED", "CANCELLED"]);
  expect(steps()).toEqual(["pause-changed", "cancel refused", "cancel agreed", "status-changed", "cancel done"]);
  expect(await readCancel(db, orderId)).toMatchObject({ state: "CANCELLED", refusalReason: "" });
});

test("cancelled by another call in the meantime: the request is done, and a refusal is a conflict", async () => {
  const { orderId } = await insertWaiting(Status.PACKED);
  await committer.report(report(orderId, Status.CANCELLED, { by: "operation" }));
  published.length = 0;
  expect([await close(orderId, false), await close(orderId, false)]).toEqual(["CANCELLED", "CONFLICT"]);
  expect(steps()).toEqual(["cancel done", "cancel conflict"]);
  expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(1);
});

test("a repeated answer does not close a later request", async () => {
  const { orderId } = await insertWaiting(Status.PICKING);
  expect(await close(orderId, false, { requestId: "w-1" })).toBe("REFUSED");
  const second = await requestAgain(orderId);
  expect(await close(orderId, false, { requestId: "w-1" })).toBe("REFUSED");
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId: second, state: "WAITING_FOR_WMS" });
  await expect(close(orderId, true, { requestId: "w-1" })).rejects.toMatchObject({ kind: "request-id-reused" });
});

test("no request: undefined", async () => {
  expect(await close(await insertOrder(db), true)).toBeUndefined();
});
