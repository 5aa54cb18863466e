import { beforeEach, describe, expect, test } from "vitest";
import { closeCancel } from "../../../src/application/reversal/close-cancel.ts";
import { requestCancel } from "../../../src/application/reversal/request-cancel.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { readCancel } from "../../../src/store/reads/reversal.ts";
import { CONTEXT, insertOrder, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published } = useOperations(db);
beforeEach(() => {
  published.length = 0;
});

const request = (orderId: bigint, requestId = "") =>
  requestCancel(operations, { orderId, reason: "r", operator: "li", requestId }, CONTEXT);
const steps = () =>
  published.map(({ event }) => (event.type === "cancel-progressed" ? `cancel ${event.step}` : event.type));

describe("requestCancel", () => {
  test("before allocation: paused and cancelled in one commit", async () => {
    const orderId = await insertOrder(db, { status: Status.PAID });
    const requested = await request(orderId);
    expect(requested).toMatchObject({ state: "CANCELLED", refusalReason: "", children: [] });
    expect(steps()).toEqual(["cancel requested", "pause-changed", "status-changed", "cancel done"]);
    expect(published[0]?.event.messageId).toBe(`${orderId}-cancel-${requested.cancelId}-requested`);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
      { order_status: Status.CANCELLED, is_pause: 1, is_finish: 1, version: 1 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ order_type: 100 }]);
    expect(await readCancel(db, orderId)).toMatchObject({ currentProcess: 100, processFlag: 0, state: "CANCELLED" });
  });

  test("after allocation: paused, with a deadline for the WMS; a further request gets the open one", async () => {
    const orderId = await insertOrder(db, { status: Status.ERP_ALLOCATED });
    const first = await request(orderId);
    expect(first.state).toBe("WAITING_FOR_WMS");
    expect(await request(orderId)).toEqual(first);
    expect(steps()).toEqual(["cancel requested", "pause-changed"]);
    const event = published[0]?.event;
    expect(event?.type === "cancel-progressed" && event.answerUntil?.getTime()).toBe(
      Number(event?.recordTime) + 60_000,
    );
    expect(await readCancel(db, orderId)).toMatchObject({ currentProcess: 60, processFlag: 60, verdict: "ASK_WMS" });
  });

  test.each([
    ["handed over", Status.HANDED_OVER, 0, "it has left the warehouse"],
    ["delivered", Status.DELIVERED, 0, "can only be returned"],
    ["a split parent", Status.SPLIT, 1, "不能取消"],
  ])("%s: refused with a reason, and not paused", async (_name, status, isParent, reason) => {
    const orderId = await insertOrder(db, { status, isParent });
    const requested = await request(orderId);
    expect(requested).toMatchObject({ state: "REFUSED", refusalReason: expect.stringContaining(reason) });
    expect(steps()).toEqual(["cancel requested", "cancel refused"]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ order_status: status, is_pause: 0 }]);
  });

  test("cancelled already: done; unknown: not found", async () => {
    expect(await request(await insertOrder(db, { status: Status.CANCELLED }))).toMatchObject({ state: "CANCELLED" });
    await expect(request(4n)).rejects.toMatchObject({ kind: "not-found" });
  });

  test("a repeated request id gets the first answer, and an error with another content", async () => {
    const orderId = await insertOrder(db, { status: Status.PICKING });
    const first = await request(orderId, "c-1");
    const answer = { kind: "refused", reason: "packed" } as const;
    await closeCancel(operations, { orderId, cancelId: first.cancelId, answer, operator: "li" }, CONTEXT);
    expect(await request(orderId, "c-1")).toEqual(first);
    await expect(request(await insertOrder(db), "c-1")).rejects.toMatchObject({ kind: "request-id-reused" });
  });
});
