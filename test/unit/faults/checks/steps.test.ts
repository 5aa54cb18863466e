import { expect, test } from "vitest";
import { checkStock, piecesHeld, stepsOnce } from "../../../../faults/checks/stock.ts";
import { executed, factsOf, findings, ID } from "./facts.ts";

const submitted = (statuses: readonly number[], ...received: ReturnType<typeof executed>[]) =>
  findings(stepsOnce, factsOf(statuses, { origin: "submitted", received }));

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const allocated = executed("erp/allocate", `${ID}-3`, at(1));
const dispatched = executed("wms/dispatch", `${ID}-4`, at(2));
const takenBack = executed("wms/cancel", `${ID}-cancel-5-requested`, at(4));
const released = executed("erp/release", `${ID}-6`, at(5));

test("stock is allocated and dispatched once", () => {
  expect(submitted([1000, 1010, 1020, 2010, 2020], allocated, dispatched)).toEqual([]);
  expect(submitted([1000, 1010, 1020, 2010, 2020], dispatched)).toEqual(["lost"]);
  expect(submitted([1000, 1010, 1020, 2010, 2020], allocated)).toEqual(["lost"]);
  const again = executed("erp/allocate", `${ID}-pause-1`);
  expect(submitted([1000, 1010, 1020, 2010, 2020], allocated, again, dispatched)).toEqual(["duplicated"]);
});

test("finds allocations and dispatches that the order has no status for", () => {
  expect(submitted([1000, 1010, 1020], allocated)).toEqual(["unexpected"]);
  expect(submitted([1000, 1010, 1020, 2010], allocated, dispatched)).toEqual(["unexpected"]);
});

test("a cancelled order releases its stock, unless the WMS keeps it", () => {
  const cancelled = [1000, 1010, 1020, 2010, 2020, 9001];
  expect(submitted(cancelled, allocated, dispatched, takenBack, released)).toEqual([]);
  expect(submitted(cancelled, allocated, dispatched, takenBack)).toEqual(["lost"]);
  expect(submitted(cancelled, allocated, dispatched)).toEqual([]);
  expect(submitted([1000, 1010, 1020, 2010, 9001], allocated)).toEqual(["lost"]);
  const beforeTakeBack = executed("erp/release", `${ID}-6`, at(3));
  expect(submitted(cancelled, allocated, dispatched, beforeTakeBack, takenBack)).toEqual(["lost"]);
  expect(submitted([1000, 1010, 1020, 9001], allocated, executed("erp/release", `${ID}-3:undo`, at(5)))).toEqual([]);
});

test("the totals of the stub systems add up and match the orders", () => {
  const totals = { allocated: 10, dispatched: 7, takenBack: 2, released: 2, held: 3 };
  const findingsOf = (overrides: Partial<typeof totals>, held: number) =>
    checkStock({ ...totals, ...overrides }, held).findings.length;
  expect(findingsOf({}, 3)).toBe(0);
  expect(findingsOf({}, 0)).toBe(1);
  expect(findingsOf({ released: 1 }, 3)).toBe(1);
  const heldOf = (...received: ReturnType<typeof executed>[]) => piecesHeld(factsOf([1010], { received }));
  expect(heldOf(allocated)).toBe(3);
  expect(heldOf(allocated, dispatched)).toBe(0);
  expect(heldOf(allocated, dispatched, takenBack)).toBe(3);
  expect(heldOf(allocated, dispatched, takenBack, released)).toBe(0);
});
