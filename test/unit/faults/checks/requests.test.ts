import { expect, test } from "vitest";
import { requestsOnce } from "../../../../faults/checks/requests.ts";
import { call, DELIVERED, factsOf, findings, history, reported } from "./facts.ts";

const find = (facts: ReturnType<typeof factsOf>) => findings(requestsOnce, facts);

test("finds nothing when every request is in the history", () => {
  expect(find(factsOf(DELIVERED))).toEqual([]);
});

test("finds an accepted request without a history row as lost", () => {
  expect(find(factsOf(DELIVERED, { history: history(...DELIVERED).slice(0, -1) }))).toEqual(["lost"]);
});

test("finds a request with two history rows as duplicated", () => {
  const rows = history(1010, 1020);
  expect(find(factsOf([1010, 1020], { history: [...rows, ...rows.slice(1)] }))).toEqual(["duplicated"]);
});

test("finds a history row that differs from the answer", () => {
  const calls = [reported(1010, 1), reported(9001, 2)];
  expect(find(factsOf([1010, 1020], { calls }))).toEqual(["other"]);
});

test("finds a history row without a request as unexpected", () => {
  expect(find(factsOf([1010, 1020], { calls: [reported(1010, 1)] }))).toEqual(["unexpected"]);
});

test("flow steps and requested cancels need no request id, where they are possible", () => {
  const [paid, approved] = history(1010, 1020);
  const rows = [paid, { ...approved, requestId: "" }] as ReturnType<typeof history>;
  const calls = [reported(1010, 1)];
  expect(find(factsOf([1010, 1020], { history: rows, calls, origin: "submitted" }))).toEqual([]);
  expect(find(factsOf([1010, 1020], { history: rows, calls, origin: "inserted" }))).toEqual(["unexpected"]);

  const cancelled = history(9001).map((row) => ({ ...row, requestId: "" }));
  expect(
    find(factsOf([9001], { history: cancelled, calls: [call("RequestCancel", { answer: "CANCELLED" })] })),
  ).toEqual([]);
  expect(find(factsOf([9001], { history: cancelled, calls: [] }))).toEqual(["unexpected"]);
});

test("finds a cancel that was answered CANCELLED but not executed as lost", () => {
  expect(find(factsOf([], { calls: [call("RequestCancel", { answer: "CANCELLED" })] }))).toEqual(["lost"]);
});

test("a late report has a STALE history row", () => {
  const late = call("UpdateOrderStatus", {
    requestId: "late",
    requested: { status: 1010 },
    answer: "STALE 1020 v2",
    answerFields: { version: 2 },
  });
  const calls = [reported(1010, 1), reported(1020, 2), late];
  const [row] = history(1010) as [ReturnType<typeof history>[number]];
  const kept = { ...row, id: 20, version: 2, outcome: "STALE" as const, requestId: "late" };
  expect(find(factsOf([1010, 1020], { calls, history: [...history(1010, 1020), kept] }))).toEqual([]);
  expect(find(factsOf([1010, 1020], { calls }))).toEqual(["lost"]);
});

test("a rejected request has no history row, unless an earlier attempt was not answered", () => {
  const rejected = { requestId: "r2", requested: { status: 1020 }, answer: "ORDER_PAUSED" };
  const findingsAfter = (indeterminate: number) =>
    find(
      factsOf([1010, 1020], {
        calls: [reported(1010, 1), call("UpdateOrderStatus", { ...rejected, indeterminate })],
      }),
    );
  expect(findingsAfter(0)).toEqual(["unexpected"]);
  expect(findingsAfter(1)).toEqual([]);
});

test("a request without an answer may have one history row", () => {
  const unanswered = call("UpdateOrderStatus", {
    requestId: "r2",
    requested: { status: 1020 },
    answer: undefined,
    indeterminate: 3,
  });
  const calls = [reported(1010, 1), unanswered];
  expect(find(factsOf([1010], { calls }))).toEqual([]);
  expect(find(factsOf([1010, 1020], { calls }))).toEqual([]);
  const rows = history(1010, 1020);
  expect(find(factsOf([1010, 1020], { calls, history: [...rows, ...rows.slice(1)] }))).toEqual(["duplicated"]);
});

test("returns match their answers, and there are no others", () => {
  const requested = call("RequestReturn", {
    requestId: "back",
    requested: { pieces: 3 },
    answer: "MARKED",
    answerFields: { returnId: "5" },
  });
  const facts = (returns: { returnId: string; pieces: number }[]) =>
    factsOf(DELIVERED, {
      calls: [...DELIVERED.map((status, index) => reported(status, index + 1)), requested],
      returns,
    });
  expect(find(facts([{ returnId: "5", pieces: 3 }]))).toEqual([]);
  expect(find(facts([]))).toEqual(["lost"]);
  expect(find(facts([{ returnId: "5", pieces: 4 }]))).toEqual(["other"]);
  expect(
    find(
      facts([
        { returnId: "5", pieces: 3 },
        { returnId: "6", pieces: 3 },
      ]),
    ),
  ).toEqual(["unexpected"]);
});
