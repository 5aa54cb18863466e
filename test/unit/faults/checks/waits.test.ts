import { expect, test } from "vitest";
import { noCircularWait } from "../../../../faults/checks/waits.ts";
import { factsOf, ID, ledgerRow } from "./facts.ts";

const dispatch = ledgerRow({ action: "dispatch", messageId: `${ID}-4`, state: "RETRYING" });
const ask = ledgerRow({ action: "cancel-ask-wms", messageId: `${ID}-cancel-5-requested`, state: "RETRYING" });
const reason = (awaited: string) => ({ lastError: `waits for ${awaited}: it ends first` });

function texts(...ledger: readonly ReturnType<typeof ledgerRow>[]): string[] {
  const found: string[] = [];
  noCircularWait.check(factsOf([1000], { ledger }), (_kind, text) => found.push(text));
  return found;
}

test("names the entries that wait for each other, once", () => {
  expect(texts({ ...dispatch, ...reason("cancel-ask-wms") }, { ...ask, ...reason("dispatch") })).toEqual([
    `order ${ID}: dispatch for ${ID}-4 waits for cancel-ask-wms for ${ID}-cancel-5-requested waits for dispatch for ${ID}-4`,
  ]);
});

test("a circle over a later event of the same Action is found", () => {
  const later = { ...dispatch, messageId: `${ID}-pause-6`, state: "PENDING" } as const;
  const waiting = { ...dispatch, ...reason("cancel-ask-wms") };
  // The ask waits for both dispatches, the later one of which waits for the first.
  expect(texts(waiting, later, { ...ask, ...reason("dispatch") })).toHaveLength(1);
});

test("waits that end are no circle", () => {
  const waiting = { ...ask, ...reason("dispatch") };
  expect(texts({ ...dispatch, lastError: "WMS answered 503" }, waiting)).toEqual([]);
  expect(texts({ ...dispatch, ...reason("cancel-ask-wms"), state: "DONE" }, waiting)).toEqual([]);
  expect(texts(waiting)).toEqual([]);
  expect(texts({ ...dispatch, lastError: "WMS answered 503" }, { ...dispatch, messageId: `${ID}-pause-6` })).toEqual(
    [],
  );
});
