import { expect, test } from "vitest";
import { findTask } from "../../../src/actions/steps/step.ts";
import type { OperationDeps } from "../../../src/application/deps.ts";
import { withState } from "../../../src/domain/passed-states.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";

const event = statusChanged({ orderId: 1n, toStatus: Status.ERP_ALLOCATED });

async function taskOf(order: { status: Status; paused?: boolean; passed?: Status }, mayHaveSideEffects: boolean) {
  const { status, paused = false, passed = Status.ERP_ALLOCATED } = order;
  const read = {
    ...{ orderId: 1n, status, paused, version: 4, warehouseCount: 1, lines: [] },
    passed: withState(0, passed),
  };
  const operations = { readFlowOrder: async () => read } as unknown as OperationDeps;
  const attempt = {
    messageId: "1-4",
    number: 2,
    mayHaveSideEffects,
    traceparent: "",
    signal: new AbortController().signal,
  };
  return (await findTask({ operations }, "dispatch", event, attempt)).kind;
}

test.each([
  ["in its state", { status: Status.ERP_ALLOCATED }, false, "run"],
  ["paused before it started", { status: Status.ERP_ALLOCATED, paused: true }, false, "skip"],
  ["paused after it may have started", { status: Status.ERP_ALLOCATED, paused: true }, true, "run"],
  ["cancelled before it started", { status: Status.CANCELLED }, false, "skip"],
  ["cancelled after it may have started", { status: Status.CANCELLED }, true, "undo"],
  ["reported, then cancelled", { status: Status.CANCELLED, passed: Status.WMS_DISPATCHED }, true, "skip"],
  ["reported", { status: Status.WMS_DISPATCHED }, true, "skip"],
] as const)("a dispatch of an order %s", async (_name, order, mayHaveSideEffects, expected) => {
  expect(await taskOf(order, mayHaveSideEffects)).toBe(expected);
});
