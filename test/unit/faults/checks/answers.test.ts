import { expect, test } from "vitest";
import { equalAnswers, expectedAnswers } from "../../../../faults/checks/answers.ts";
import { countRecovered, ledgerDrained } from "../../../../faults/checks/drained.ts";
import { checkFlows, unfinishedFlow } from "../../../../faults/checks/flows.ts";
import { recordAnswer } from "../../../../faults/workload/journal.ts";
import { FlowState } from "../../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { call, factsOf, findings, ledgerRow } from "./facts.ts";

test("a repeat that is answered otherwise", () => {
  const one = call("UpdateOrderStatus", { answer: undefined, firstAnswer: "" });
  recordAnswer(one, "APPLIED", '{"version":"2"}', undefined);
  recordAnswer(one, "APPLIED", '{"version":"2"}', undefined);
  expect(findings(equalAnswers, factsOf([], { calls: [one] }))).toEqual([]);
  recordAnswer(one, "APPLIED", '{"version":"3"}', undefined);
  expect(findings(equalAnswers, factsOf([], { calls: [one] }))).toEqual(["other"]);
});

test("an answer that the model does not give", () => {
  const answered = (answer: string) =>
    findings(expectedAnswers, factsOf([], { calls: [call("SetOrderPause", { expected: "OK", answer })] }));
  expect(answered("OK")).toEqual([]);
  expect(answered("NOT_FOUND")).toEqual(["other"]);
});

test("an order that stands elsewhere than its life ended, unless an unanswered call may have come true", () => {
  const facts = factsOf([1010]);
  facts.journal.endState = { status: 1010, version: 1, paused: false };
  expect(findings(expectedAnswers, facts)).toEqual([]);
  facts.journal.endState = { status: 1010, version: 1, paused: true };
  expect(findings(expectedAnswers, facts)).toEqual(["other"]);
  facts.journal.uncertain = true;
  expect(findings(expectedAnswers, facts)).toEqual([]);
});

test("the ledger is drained but for timers to come", () => {
  const left = (given: Parameters<typeof ledgerRow>[0]) =>
    findings(ledgerDrained, factsOf([], { ledger: [ledgerRow(given)] }));
  expect(left({})).toEqual([]);
  expect(left({ state: "DISCARDED" })).toEqual([]);
  expect(left({ state: "PENDING", finishTime: undefined, dueInMs: 500 })).toEqual(["other"]);
  expect(left({ state: "RETRYING", finishTime: undefined, dueInMs: -5 })).toEqual(["other"]);
  expect(left({ state: "PARKED" })).toEqual(["other"]);
  expect(left({ state: "PENDING", action: "payment-timeout", dueInMs: 500 })).toEqual([]);
  expect(left({ state: "PENDING", action: "payment-timeout", dueInMs: -5 })).toEqual(["other"]);
});

test("what came by the slow road is counted", () => {
  const rows = [{}, { attempts: 2 }, { finishTime: 4_000 }, { state: "PARKED" as const, attempts: 3 }];
  expect(countRecovered(rows.map(ledgerRow), 2_000)).toBe(2);
});

test("a flow that stands still has to be one that the workload holds back", async () => {
  const still = (paused: boolean, calls: ReturnType<typeof call>[]) => {
    const facts = factsOf([1000, 1010], { origin: "submitted", calls, row: { status: 1010, version: 2, paused } });
    const open = unfinishedFlow(facts);
    return open === undefined ? [] : [open];
  };
  const says = (state: FlowState) => async () => ({ state, summary: "" });
  const paused = still(true, [call("SetOrderPause", { requested: { paused: true } })]);
  expect((await checkFlows(1, paused, says(FlowState.PAUSED))).findings).toEqual([]);
  expect((await checkFlows(1, paused, says(FlowState.RUNNING))).findings).toHaveLength(1);
  expect((await checkFlows(1, still(true, []), says(FlowState.PAUSED))).findings).toHaveLength(1);
  expect((await checkFlows(1, still(false, []), says(FlowState.RUNNING))).findings).toHaveLength(1);
  expect((await checkFlows(1, still(false, []), async () => undefined)).findings).toHaveLength(1);
  expect(unfinishedFlow(factsOf([1000, 1010], { origin: "inserted" }))).toBeUndefined();
});
