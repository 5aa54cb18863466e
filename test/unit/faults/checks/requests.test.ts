import { expect, test } from "vitest";
import { requestsOnce } from "../../../../faults/checks/requests.ts";
import { call, DELIVERED, factsOf, findings, history, reported } from "./facts.ts";

const find = (facts: ReturnType<typeof factsOf>) => findings(requestsOnce, facts);

test("an order whose requests are all there", () => {
  expect(find(factsOf(DELIVERED))).toEqual([]);
});

test("an accepted request that is not in the history is lost", () => {
  expect(find(factsOf(DELIVERED, { history: history(...DELIVERED).slice(0, -1) }))).toEqual(["lost"]);
});

test("one that is there twice is duplicated", () => {
  const rows = history(1010, 1020);
  expect(find(factsOf([1010, 1020], { history: [...rows, ...rows.slice(1)] }))).toEqual(["duplicated"]);
});

test("one that is there with another version or state than was answered", () => {
  const calls = [reported(1010, 1), reported(9001, 2)];
  expect(find(factsOf([1010, 1020], { calls }))).toEqual(["other"]);
});

test("what nobody requested for is a ghost", () => {
  expect(find(factsOf([1010, 1020], { calls: [reported(1010, 1)] }))).toEqual(["ghost"]);
});

test("the flow's own steps and a cancel need no request, and only where they can be", () => {
  const [paid, approved] = history(1010, 1020);
  const rows = [paid, { ...approved, requestId: "" }] as ReturnType<typeof history>;
  const calls = [reported(1010, 1)];
  expect(find(factsOf([1010, 1020], { history: rows, calls, origin: "submitted" }))).toEqual([]);
  expect(find(factsOf([1010, 1020], { history: rows, calls, origin: "inserted" }))).toEqual(["ghost"]);

  const cancelled = history(9001).map((row) => ({ ...row, requestId: "" }));
  expect(
    find(factsOf([9001], { history: cancelled, calls: [call("RequestCancel", { answer: "CANCELLED" })] })),
  ).toEqual([]);
  expect(find(factsOf([9001], { history: cancelled, calls: [] }))).toEqual(["ghost"]);
});

test("a cancel that was answered CANCELLED and did not happen is lost", () => {
  expect(find(factsOf([], { calls: [call("RequestCancel", { answer: "CANCELLED" })] }))).toEqual(["lost"]);
});

test("a late report is kept, and as what it is", () => {
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

test("a refused request leaves nothing, unless an earlier try of it had no answer", () => {
  const refused = { requestId: "r2", requested: { status: 1020 }, answer: "ORDER_PAUSED" };
  const left = (indeterminate: number) =>
    find(
      factsOf([1010, 1020], {
        calls: [reported(1010, 1), call("UpdateOrderStatus", { ...refused, indeterminate })],
      }),
    );
  expect(left(0)).toEqual(["ghost"]);
  expect(left(1)).toEqual([]);
});

test("one without any answer may be there, once", () => {
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

test("returns are there as answered, and no others", () => {
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
  ).toEqual(["ghost"]);
});
