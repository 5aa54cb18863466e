import { describe, expect, test } from "vitest";
import { currentStep, describeFlowStatus, type FlowFacts, flowStatus, type StepRun } from "../../../src/domain/flow.ts";
import { Status } from "../../../src/domain/state-machine.ts";

const LATER = new Date("2026-05-01T12:30:00Z");

function facts(status: Status, more: Partial<FlowFacts> = {}): FlowFacts {
  return { status, paused: false, warehouseCount: 1, paymentDeadline: undefined, run: undefined, ...more };
}

function run(state: StepRun["state"], more: Partial<StepRun> = {}): StepRun {
  return { state, attempts: 0, lastError: "", nextTime: null, ...more };
}

describe("currentStep", () => {
  test.each([
    [Status.CREATED, 1, undefined],
    [Status.PAID, 1, "approve"],
    [Status.APPROVED, 1, "allocate"],
    [Status.APPROVED, 2, "split"],
    [Status.ERP_ALLOCATED, 1, "dispatch"],
    [Status.WMS_DISPATCHED, 1, undefined],
    [Status.SPLIT, 2, undefined],
    [Status.CANCELLED, 1, undefined],
    [Status.PAID, 0, undefined],
  ])("%i with goods in %i warehouses", (status, warehouseCount, step) => {
    expect(currentStep({ status, warehouseCount })).toBe(step);
  });
});

describe("flowStatus", () => {
  const failed = { attempts: 2, lastError: "no stock" };

  test.each<[string, FlowFacts, string, string]>([
    [
      "unpaid",
      facts(Status.CREATED, { paymentDeadline: LATER }),
      "payment WAITING",
      "waits for its payment until 2026-05-01T12:30:00.000Z, and is cancelled then",
    ],
    ["unpaid without a deadline", facts(Status.CREATED), "payment WAITING", "waits for its payment"],
    [
      "its event in transit",
      facts(Status.PAID),
      "approve RUNNING",
      "waits for the forward flow's step approve, which is in progress",
    ],
    [
      "in progress, and paused in the meantime",
      facts(Status.PAID, { paused: true, run: run("PENDING", { attempts: 1 }) }),
      "approve RUNNING",
      "waits for the forward flow's step approve, which is in progress",
    ],
    [
      "paused before its step",
      facts(Status.APPROVED, { paused: true, warehouseCount: 2, run: run("PENDING") }),
      "split PAUSED",
      "is paused, and must be resumed before the forward flow's step split",
    ],
    [
      "paused, its step done without effect",
      facts(Status.APPROVED, { paused: true, run: run("DONE", { attempts: 1 }) }),
      "allocate PAUSED",
      "is paused, and must be resumed before the forward flow's step allocate",
    ],
    [
      "retried",
      facts(Status.APPROVED, { run: run("RETRYING", { ...failed, nextTime: LATER }) }),
      "allocate RETRYING",
      "waits for the forward flow's step allocate, which is retried at 2026-05-01T12:30:00.000Z after 2 attempts: no stock",
    ],
    ...(["PARKED", "DISCARDED"] as const).map((state): [string, FlowFacts, string, string] => [
      state,
      facts(Status.ERP_ALLOCATED, { run: run(state, { attempts: 1, lastError: "refused" }) }),
      "dispatch FAILED",
      "waits for an operator to retry the forward flow's step dispatch, which failed after 1 attempt: refused",
    ]),
    ["dispatched", facts(Status.WMS_DISPATCHED), " DONE", "needs nothing more from the forward flow"],
    ["virtual goods", facts(Status.PAID, { warehouseCount: 0 }), " DONE", "needs nothing more from the forward flow"],
  ])("%s", (_name, order, position, sentence) => {
    const found = flowStatus(order);

    expect(`${found.step} ${found.state}`).toBe(position);
    expect(describeFlowStatus(found)).toBe(sentence);
  });
});
