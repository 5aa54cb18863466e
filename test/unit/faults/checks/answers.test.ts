import { expect, test } from "vitest";
import { equalAnswers, expectedAnswers } from "../../../../faults/checks/answers.ts";
import { countRecovered, ledgerDrained } from "../../../../faults/checks/drained.ts";
import { checkFlows, unfinishedFlow } from "../../../../faults/checks/flows.ts";
import { recordAnswer } from "../../../../faults/workload/journal.ts";
import { FlowState } from "../../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { call, factsOf, findings, ledgerRow } from "./facts.ts";

test("finds a repeated request with another answer", () => {
  const one = call("UpdateOrderStatus", { answer: undefined, firstAnswer: "" });
  recordAnswer(one, "APPLIED", '{"version":"2"}', undefined);
  recordAnswer(one, "APPLIED", '{"version":"2"}', undefined);
  expect(findings(equalAnswers, factsOf([], { calls: [one] }))).toEqual([]);
  recordAnswer(one, "APPLIED", '{"version":"3"}', undefined);
  expect(findings(equalAnswers, factsOf([], { calls: [one] }))).toEqual(["other"]);
});

test("finds an answer that the model does not predict", () => {
  const answered = (answer: string) =>
    findings(expectedAnswers, factsOf([], { calls: [call("SetOrderPause", { expected: "OK", answer })] }));
  expect(answered("OK")).toEqual([]);
  expect(answered("NOT_FOUND")).toEqual(["other"]);
});

test("finds a final state other than the model's, unless an unanswered call may have been executed", () => {
  const facts = factsOf([1010]);
  facts.journal.endState = { status: 1010, version: 1, paused: false };
  expect(findings(expectedAnswers, facts)).toEqual([]);
  facts.journal.endState = { status: 1010, version: 1, paused: true };
  expect(findings(expectedAnswers, facts)).toEqual(["other"]);
  facts.journal.uncertain = true;
  expect(findings(expectedAnswers, facts)).toEqual([]);
});

test("the ledger is drained when only timers that are not due are open", () => {
  const left = (overrides: Parameters<typeof ledgerRow>[0]) =>
    findings(ledgerDrained, factsOf([], { ledger: [ledgerRow(overrides)] }));
  expect(left({})).toEqual([]);
  expect(left({ state: "DISCARDED" })).toEqual([]);
  expect(left({ state: "PENDING", finishTime: undefined, dueInMs: 500 })).toEqual(["other"]);
  expect(left({ state: "RETRYING", finishTime: undefined, dueInMs: -5 })).toEqual(["other"]);
  expect(left({ state: "PARKED" })).toEqual(["other"]);
  expect(left({ state: "PENDING", action: "payment-timeout", dueInMs: 500 })).toEqual([]);
  expect(left({ state: "PENDING", action: "payment-timeout", dueInMs: -5 })).toEqual(["other"]);
});

test("counts effects that were retried or late", () => {
  const rows = [{}, { attempts: 2 }, { finishTime: 4_000 }, { state: "PARKED" as const, attempts: 3 }];
  expect(countRecovered(rows.map(ledgerRow), 2_000)).toBe(2);
});

test("a stalled flow must be one that the workload holds", async () => {
  const stalled = (paused: boolean, calls: ReturnType<typeof call>[]) => {
    const facts = factsOf([1000, 1010], { origin: "submitted", calls, row: { status: 1010, version: 2, paused } });
    const open = unfinishedFlow(facts);
    return open === undefined ? [] : [open];
  };
  const reports = (state: FlowState) => async () => ({ state, summary: "" });
  const paused = stalled(true, [call("SetOrderPause", { requested: { paused: true } })]);
  expect((await checkFlows(1, paused, reports(FlowState.PAUSED))).findings).toEqual([]);
  expect((await checkFlows(1, paused, reports(FlowState.RUNNING))).findings).toHaveLength(1);
  expect((await checkFlows(1, stalled(true, []), reports(FlowState.PAUSED))).findings).toHaveLength(1);
  expect((await checkFlows(1, stalled(false, []), reports(FlowState.RUNNING))).findings).toHaveLength(1);
  expect((await checkFlows(1, stalled(false, []), async () => undefined)).findings).toHaveLength(1);
  expect(unfinishedFlow(factsOf([1000, 1010], { origin: "inserted" }))).toBeUndefined();
});
