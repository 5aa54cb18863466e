import { beforeEach, expect, test } from "vitest";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { closeCancel } from "../../../src/store/orders/close-cancel.ts";
import { type CancelOutcome, requestCancel } from "../../../src/store/orders/request-cancel.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { readCancel } from "../../../src/store/reads/reversal.ts";
import { CAUSE, eventDeps, insertOrder, openCommitter, report, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const committer = openCommitter(db);
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };
beforeEach(() => {
  told.length = 0;
});

async function waiting(orderId: bigint): Promise<bigint> {
  const request = { orderId, reason: "r", requestId: "", cause: CAUSE, wmsAnswerMs: 60_000 };
  const { cancelId, state } = (await requestCancel(deps, DEFAULT_ORDER_KINDS, request)) as CancelOutcome;
  expect(state).toBe("WAITING_FOR_WMS");
  told.length = 0;
  return cancelId;
}
const close = (orderId: bigint, agreed: boolean, more: { cancelId?: bigint; requestId?: string } = {}) =>
  closeCancel(deps, DEFAULT_ORDER_KINDS, {
    orderId,
    cancelId: undefined,
    requestId: "",
    agreed,
    reason: agreed ? "" : "packed",
    cause: CAUSE,
    ...more,
  });
const steps = () => told.map(({ event }) => (event.type === "cancel-progressed" ? `cancel ${event.step}` : event.type));

test("agreed: cancelled; a second answer changes nothing", async () => {
  const orderId = await insertOrder(db, { status: Status.PICKING });
  const cancelId = await waiting(orderId);
  expect(await close(orderId, true, { cancelId })).toBe("CANCELLED");
  expect(await close(orderId, false, { cancelId })).toBe("CANCELLED");
  expect(steps()).toEqual(["cancel agreed", "status-changed", "cancel done"]);
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId, currentProcess: 100, processFlag: 60 });
});

test("refused: the order goes on, and the reason is kept", async () => {
  const orderId = await insertOrder(db, { status: Status.PICKING });
  const cancelId = await waiting(orderId);
  expect(await close(orderId, false)).toBe("REFUSED");
  expect(steps()).toEqual(["pause-changed", "cancel refused"]);
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId, state: "REFUSED", refusalReason: "packed" });
  expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toMatchObject([{ is_pause: 0 }]);
});

test("agreed, but handed over meanwhile: refused with that reason", async () => {
  const orderId = await insertOrder(db, { status: Status.PACKED });
  await waiting(orderId);
  await committer.report(report(orderId, Status.HANDED_OVER));
  expect(await close(orderId, true)).toBe("REFUSED");
  expect(await readCancel(db, orderId)).toMatchObject({ refusalReason: expect.stringContaining("left the warehouse") });
});

test("cancelled by somebody else meanwhile: that is what was asked for", async () => {
  const orderId = await insertOrder(db, { status: Status.PACKED });
  await waiting(orderId);
  await committer.report(report(orderId, Status.CANCELLED, { by: "operation" }));
  expect(await close(orderId, false)).toBe("CANCELLED");
  expect(await rowsOf(db, "oms_db.oms_status_history", orderId)).toHaveLength(1);
});

test("a repeated answer leaves a later request alone", async () => {
  const orderId = await insertOrder(db, { status: Status.PICKING });
  await waiting(orderId);
  expect(await close(orderId, false, { requestId: "w-1" })).toBe("REFUSED");
  const second = await waiting(orderId);
  expect(await close(orderId, false, { requestId: "w-1" })).toBe("REFUSED");
  expect(await readCancel(db, orderId)).toMatchObject({ cancelId: second, state: "WAITING_FOR_WMS" });
  expect(await close(orderId, true, { requestId: "w-1" })).toBe("request-id-reused");
});

test("nobody asked: undefined", async () => {
  expect(await close(await insertOrder(db), true)).toBeUndefined();
});
