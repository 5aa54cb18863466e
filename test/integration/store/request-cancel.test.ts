import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { closeCancel } from "../../../src/store/orders/close-cancel.ts";
import { type CancelOutcome, requestCancel } from "../../../src/store/orders/request-cancel.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { readCancel } from "../../../src/store/reads/reversal.ts";
import { CAUSE, eventDeps, insertOrder, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };
beforeEach(() => {
  told.length = 0;
});

const ask = (orderId: bigint, requestId = "") =>
  requestCancel(deps, DEFAULT_ORDER_KINDS, { orderId, reason: "r", requestId, cause: CAUSE, wmsAnswerMs: 60_000 });
const steps = () => told.map(({ event }) => (event.type === "cancel-progressed" ? `cancel ${event.step}` : event.type));

describe("requestCancel", () => {
  test("before allocation: paused and cancelled in one commit", async () => {
    const orderId = await insertOrder(db, { status: Status.PAID });
    const standing = (await ask(orderId)) as CancelOutcome;
    expect(standing).toMatchObject({ state: "CANCELLED", refusalReason: "", splitParent: false });
    expect(steps()).toEqual(["cancel requested", "pause-changed", "status-changed", "cancel done"]);
    expect(told[0]?.event.messageId).toBe(`${orderId}-cancel-${standing.cancelId}-requested`);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([
      { order_status: Status.CANCELLED, is_pause: 1, is_finish: 1, version: 1 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([{ order_type: 100 }]);
    expect(await readCancel(db, orderId)).toMatchObject({ currentProcess: 100, processFlag: 0, state: "CANCELLED" });
  });

  test("after allocation: paused, and the WMS has a limit; a further request gets the open one", async () => {
    const orderId = await insertOrder(db, { status: Status.ERP_ALLOCATED });
    const first = (await ask(orderId)) as CancelOutcome;
    expect(first.state).toBe("WAITING_FOR_WMS");
    expect(await ask(orderId)).toEqual(first);
    expect(steps()).toEqual(["cancel requested", "pause-changed"]);
    const event = told[0]?.event;
    expect(event?.type === "cancel-progressed" && event.answerUntil?.getTime()).toBe(
      Number(event?.recordTime) + 60_000,
    );
    expect(await readCancel(db, orderId)).toMatchObject({ currentProcess: 60, processFlag: 60, verdict: "ASK_WMS" });
  });

  test.each([
    ["handed over", Status.HANDED_OVER, 0, "it has left the warehouse"],
    ["delivered", Status.DELIVERED, 0, "can only be returned"],
    ["a split parent", Status.SPLIT, 1, "不能取消"],
  ])("%s: refused with a reason, and goes on", async (_name, status, isParent, reason) => {
    const orderId = await insertOrder(db, { status, isParent });
    const standing = await ask(orderId);
    expect(standing).toMatchObject({ state: "REFUSED", refusalReason: expect.stringContaining(reason) });
    expect(steps()).toEqual(["cancel requested", "cancel refused"]);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ order_status: status, is_pause: 0 }]);
  });

  test("cancelled already: done; unknown: undefined", async () => {
    expect(await ask(await insertOrder(db, { status: Status.CANCELLED }))).toMatchObject({ state: "CANCELLED" });
    expect(await ask(4n)).toBeUndefined();
  });

  test("a repeat with the same request id gets the first answer, another content none", async () => {
    const orderId = await insertOrder(db, { status: Status.PICKING });
    const first = (await ask(orderId, "c-1")) as CancelOutcome;
    await closeCancel(deps, DEFAULT_ORDER_KINDS, {
      orderId,
      cancelId: first.cancelId,
      agreed: false,
      reason: "packed",
      requestId: "",
      cause: CAUSE,
    });
    expect(await ask(orderId, "c-1")).toEqual(first);
    expect(await ask(await insertOrder(db), "c-1")).toBe("request-id-reused");
  });
});
