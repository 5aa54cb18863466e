import { describe, expect, it } from "vitest";
import type { Order } from "../../../src/domain/order.ts";
import { withState } from "../../../src/domain/passed-states.ts";
import { applyPause } from "../../../src/domain/pause.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  applyTransition,
  creationEvent,
  evaluateReport,
  type StatusReport,
} from "../../../src/domain/status-report.ts";

const now = new Date("2026-05-01T12:00:00.000Z");
const occurTime = new Date("2026-05-01T11:59:00.000Z");
const cause = { caller: "wms", operator: "li", authenticatedOperator: "li.wei", traceparent: "00-aa-bb-01" };

const order: Order = {
  orderId: 7n,
  rootParentId: 5n,
  orderSource: 1000,
  orderType: 1,
  warehouseCount: 1,
  status: Status.ERP_ALLOCATED,
  version: 3,
  paused: false,
  passed: [Status.CREATED, Status.PAID].reduce(withState, 0),
  statusTime: null,
  virtual: false,
  isParent: false,
  isFinish: false,
};

function report(status: Status, more: Partial<StatusReport> = {}): StatusReport {
  return {
    kind: "report",
    orderId: 7n,
    status,
    by: "report",
    requestId: "r-1",
    remark: "a remark",
    validateOnly: false,
    cause,
    ...more,
  };
}

const context = { orderId: 7n, rootParentId: 5n, orderSource: 1000, orderType: 1, recordTime: now, ...cause };

describe("evaluateReport", () => {
  it("accepts with the order's status, version and message id afterwards", () => {
    const accepted = { kind: "accepted", orderId: 7n };
    expect(evaluateReport(order, report(Status.WMS_DISPATCHED))).toEqual({
      ...accepted,
      outcome: "applied",
      status: Status.WMS_DISPATCHED,
      version: 4,
      messageId: "7-4",
    });
    const unchanged = { ...accepted, status: Status.ERP_ALLOCATED, version: 3 };
    expect(evaluateReport(order, report(Status.ERP_ALLOCATED))).toEqual({
      ...unchanged,
      outcome: "duplicate",
      messageId: "7-3",
    });
    expect(evaluateReport(order, report(Status.PAID))).toEqual({ ...unchanged, outcome: "stale", messageId: "" });
  });

  it("has no message id for a duplicate of an order that never changed here", () => {
    const unchanged = evaluateReport({ ...order, version: 0 }, report(Status.ERP_ALLOCATED));
    expect(unchanged).toMatchObject({ outcome: "duplicate", messageId: "" });
  });

  it("refuses with both states", () => {
    expect(evaluateReport(order, report(Status.DELIVERED))).toEqual({
      kind: "refused",
      reason: "ILLEGAL_TRANSITION",
      message: "no way leads from ERP_ALLOCATED (2010) to DELIVERED (6010)",
      from: Status.ERP_ALLOCATED,
      to: Status.DELIVERED,
    });
  });

  it("compares the version before the states", () => {
    const mismatch = { kind: "version-mismatch", expected: 2, actual: 3 };
    expect(evaluateReport(order, report(Status.DELIVERED, { expectedVersion: 2 }))).toEqual(mismatch);
    expect(evaluateReport(order, report(Status.WMS_DISPATCHED, { expectedVersion: 3 }))).toMatchObject({
      outcome: "applied",
    });
  });

  it("does not find an unknown order", () => {
    expect(evaluateReport(undefined, report(Status.PAID, { expectedVersion: 2 }))).toEqual({ kind: "not-found" });
  });
});

describe("applyTransition", () => {
  it("returns the order afterwards and its event", () => {
    const { after, event } = applyTransition(order, report(Status.WMS_DISPATCHED, { occurTime }), now);
    expect(after).toEqual({
      ...order,
      status: Status.WMS_DISPATCHED,
      version: 4,
      passed: [Status.CREATED, Status.PAID, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED].reduce(withState, 0),
      statusTime: occurTime,
      isFinish: true,
    });
    expect(event).toEqual({
      type: "status-changed",
      messageId: "7-4",
      ...context,
      fromStatus: Status.ERP_ALLOCATED,
      toStatus: Status.WMS_DISPATCHED,
      version: 4,
      occurTime,
      requestId: "r-1",
      remark: "a remark",
      warehouseCount: 1,
    });
  });

  it("changes the legacy finish mark where the state does, and uses now without a reported time", () => {
    const isFinish = (status: Status, before: boolean) =>
      applyTransition({ ...order, isFinish: before }, report(status), now).after.isFinish;
    expect(isFinish(Status.PICKING, true)).toBe(false);
    expect(isFinish(Status.IN_TRANSIT, true)).toBe(true);
    expect(isFinish(Status.CANCELLED, false)).toBe(true);
    expect(applyTransition(order, report(Status.WMS_DISPATCHED), now).event.occurTime).toBe(now);
  });
});

describe("creationEvent", () => {
  it("has no state before", () => {
    const created = { ...order, status: Status.CREATED, version: 1 };
    expect(creationEvent(created, { cause, requestId: "", remark: "split from order 5" }, now)).toEqual({
      type: "status-changed",
      messageId: "7-1",
      ...context,
      fromStatus: 0,
      toStatus: Status.CREATED,
      version: 1,
      occurTime: now,
      requestId: "",
      remark: "split from order 5",
      warehouseCount: 1,
    });
  });
});

describe("applyPause", () => {
  it("pauses a running order and resumes a paused one, with an event", () => {
    const pause = { paused: true, reason: "cancel requested", cause };
    expect(applyPause(order, pause, "id-1", now)).toEqual({
      after: { ...order, paused: true },
      event: {
        type: "pause-changed",
        messageId: "7-pause-id-1",
        ...context,
        paused: true,
        reason: "cancel requested",
        status: Status.ERP_ALLOCATED,
        warehouseCount: 1,
      },
    });
    const resumed = applyPause({ ...order, paused: true }, { ...pause, paused: false }, "id-2", now);
    expect(resumed?.after).toEqual(order);
  });

  it("does nothing where the order is paused or running already", () => {
    const pause = { paused: false, reason: "", cause };
    expect(applyPause(order, pause, "id-1", now)).toBeUndefined();
    expect(applyPause({ ...order, paused: true }, { ...pause, paused: true }, "id-1", now)).toBeUndefined();
  });
});
