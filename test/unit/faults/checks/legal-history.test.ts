import { expect, test } from "vitest";
import { legalHistory } from "../../../../faults/checks/legal-history.ts";
import { call, DELIVERED, factsOf, findings, history } from "./facts.ts";

const find = (facts: ReturnType<typeof factsOf>) => findings(legalHistory, facts);

test("accepts skipped states, a second delivery attempt, a cancel operation and recharges", () => {
  expect(find(factsOf(DELIVERED))).toEqual([]);
  expect(find(factsOf([1010, 1020, 2010, 2020, 4010, 6030, 5020, 6030, 6020]))).toEqual([]);
  expect(find(factsOf([1010, 6010], { kind: "recharge card" }))).toEqual([]);
  expect(find(factsOf([]))).toEqual([]);
  const cancel = call("CancelOrder", { requestId: "r4", requested: { status: 9001 } });
  expect(find(factsOf([1010, 1020, 2010, 9001], { calls: [cancel] }))).toEqual([]);
});

test("finds a transition that is not permitted", () => {
  expect(find(factsOf([1010, 6010]))).toEqual(["other"]);
  expect(find(factsOf([1010, 1020, 2010, 2020, 6010, 6020]))).toEqual(["other"]);
  expect(find(factsOf([1010, 1020, 2010, 2020, 5020, 5010]))).toEqual(["other"]);
});

test("finds a cancel by report after stock was allocated", () => {
  expect(find(factsOf([1010, 1020, 2010, 9001]))).toEqual(["other"]);
});

test("finds a change that starts at another status", () => {
  const rows = history(...DELIVERED).map((row) => (row.version === 6 ? { ...row, fromStatus: 2020 } : row));
  expect(find(factsOf(DELIVERED, { history: rows }))).toEqual(["other"]);
});

test("finds a missing version and the gap it leaves", () => {
  const rows = history(...DELIVERED).filter(({ version }) => version !== 6);
  expect(find(factsOf(DELIVERED, { history: rows }))).toEqual(["lost", "other"]);
});

test("finds a duplicate version", () => {
  const rows = history(1010, 1020);
  const [, twice] = rows as [unknown, (typeof rows)[number]];
  expect(find(factsOf([1010, 1020], { history: [...rows, { ...twice, id: 30 }] }))).toContain("duplicated");
});

test("finds versions committed out of order", () => {
  const [one, two] = history(1010, 1020);
  const rows = [
    { ...two, id: 10 },
    { ...one, id: 11 },
  ] as ReturnType<typeof history>;
  expect(find(factsOf([1010, 1020], { history: rows }))).toEqual(["out of order"]);
});

test("finds an order whose status differs from its history, or that does not exist", () => {
  expect(find(factsOf([1010, 1020], { row: { status: 1010, version: 2, paused: false } }))).toEqual(["other"]);
  expect(find(factsOf([1010, 1020], { row: { status: 1020, version: 3, paused: false } }))).toEqual(["other"]);
  expect(find(factsOf([1010, 1020], { row: undefined }))).toEqual(["lost"]);
});
