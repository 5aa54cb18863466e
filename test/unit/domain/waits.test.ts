import fc from "fast-check";
import { expect, test } from "vitest";
import { createRegistry } from "../../../src/actions/registry.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { awaitedAction, WAITS_FOR, waitReason } from "../../../src/domain/waits.ts";

const waits: Readonly<Record<string, readonly string[]>> = WAITS_FOR;
const registry = createRegistry({ kinds: DEFAULT_ORDER_KINDS, paymentTimeoutMs: 1_800_000 });
const names = registry.map(({ name }) => name);

/** An open ledger entry of one order; ids grow with the events. */
interface Entry {
  readonly id: number;
  readonly action: string;
}

/** The entries that wait neither for an awaited Action nor for an earlier event of their own. */
function runnable(open: readonly Entry[], relation: Readonly<Record<string, readonly string[]>>): readonly Entry[] {
  return open.filter(({ id, action }) =>
    open.every(
      (other) => !(relation[action] ?? []).includes(other.action) && !(other.action === action && other.id < id),
    ),
  );
}

/** Ends entries as long as one can run; returns those that wait in a circle. */
function waitingForever(entries: readonly Entry[], relation = waits): readonly Entry[] {
  let open = entries;
  for (let next = runnable(open, relation); next.length > 0; next = runnable(open, relation)) {
    const ended = next;
    open = open.filter((entry) => !ended.includes(entry));
  }
  return open;
}

const anyEntries = fc
  .array(fc.constantFrom(...names), { maxLength: 30 })
  .map((actions) => actions.map((action, id): Entry => ({ id, action })));

test("no set of open entries of an order waits in a circle", () => {
  fc.assert(fc.property(anyEntries, (entries) => waitingForever(entries).length === 0));
});

test("the property finds a circle: a dispatch that waits for the WMS's answer to a cancel", () => {
  const circular = { ...waits, dispatch: ["cancel-ask-wms"] };
  const entries = [
    { id: 1, action: "dispatch" },
    { id: 2, action: "cancel-ask-wms" },
  ];
  expect(waitingForever(entries, circular)).toEqual(entries);
});

test("the table names Actions of the registry only", () => {
  expect(names).toEqual(expect.arrayContaining([...Object.keys(waits), ...Object.values(waits).flat()]));
});

test("the awaited Action is read from the stored reason", () => {
  expect(awaitedAction(waitReason("cancel-ask-wms", "dispatch", "it ends first"))).toBe("dispatch");
  expect(awaitedAction("WMS answered 503")).toBeUndefined();
});
