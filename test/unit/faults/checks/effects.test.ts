import { expect, test } from "vitest";
import { effectOrder } from "../../../../faults/checks/effect-order.ts";
import { effectsOnce } from "../../../../faults/checks/effects.ts";
import type { OrderFacts } from "../../../../faults/checks/facts.ts";
import { call, DELIVERED, executed, factsOf, findings, ID, ledgerRow, reported } from "./facts.ts";

const calls = DELIVERED.map((status, index) => reported(status, index + 1));

/** A delivered marketplace order with all its effects. */
const complete = (overrides: Partial<Omit<OrderFacts, "journal">> & { readonly calls?: typeof calls } = {}) =>
  factsOf(DELIVERED, {
    kind: "marketplace",
    settlements: [{ messageId: `${ID}-11`, status: 6010 }],
    gifts: [1],
    received: [executed("finance", `${ID}-11`), executed("message", `${ID}-8`), executed("message", `${ID}-11`)],
    notifications: DELIVERED.map((_, index) => notification(`${ID}-${index + 1}`, index)),
    ...overrides,
  });

const notification = (messageId: string, sequence: number) => ({ messageId, key: `${messageId}:topic`, sequence });

const without = <T>(list: readonly T[], at: number) => list.toSpliced(at, 1);

test("finds nothing when all effects happened once", () => {
  expect(findings(effectsOnce, complete())).toEqual([]);
});

test("finds each missing effect as lost", () => {
  const { received, notifications } = complete();
  expect(findings(effectsOnce, complete({ settlements: [] }))).toEqual(["lost"]);
  expect(findings(effectsOnce, complete({ gifts: [0] }))).toEqual(["lost"]);
  expect(findings(effectsOnce, complete({ notifications: without(notifications, 4) }))).toEqual(["lost"]);
  for (const index of received.keys()) {
    expect(findings(effectsOnce, complete({ received: without(received, index) }))).toEqual(["lost"]);
  }
});

test("a request that was received but not executed is no effect", () => {
  const received = complete().received.map((entry) => ({ ...entry, done: entry.path !== "finance" }));
  expect(findings(effectsOnce, complete({ received }))).toEqual(["lost"]);
});

test("finds a repeated effect as duplicated", () => {
  const { settlements, notifications } = complete();
  expect(findings(effectsOnce, complete({ settlements: [...settlements, ...settlements] }))).toEqual(["duplicated"]);
  expect(findings(effectsOnce, complete({ notifications: [...notifications, ...notifications.slice(0, 1)] }))).toEqual([
    "duplicated",
  ]);
});

test("finds an effect without a commit as unexpected", () => {
  const { received, settlements } = complete();
  expect(findings(effectsOnce, complete({ received: [...received, executed("finance", `${ID}-12`)] }))).toEqual([
    "unexpected",
  ]);
  expect(findings(effectsOnce, complete({ received: [...received, executed("einvoice", `${ID}-11`)] }))).toEqual([
    "unexpected",
  ]);
  const premature = { messageId: `${ID}-5`, status: 6010 };
  expect(findings(effectsOnce, complete({ settlements: [premature, ...settlements] }))).toEqual(["unexpected"]);
  expect(findings(effectsOnce, factsOf([1010], { gifts: [1] }))).toEqual(["unexpected"]);
});

test("each carrier change notifies the marketplace once", () => {
  const changed = (overrides: object = {}) => [...calls, call("UpdateDeliveryInfo", overrides)];
  const notified = (...ids: string[]) => [
    ...complete().notifications,
    ...ids.map((id) => notification(`${ID}-delivery-${id}`, 99)),
  ];
  expect(findings(effectsOnce, complete({ calls: changed(), notifications: notified("a") }))).toEqual([]);
  expect(findings(effectsOnce, complete({ calls: changed() }))).toEqual(["lost"]);
  expect(findings(effectsOnce, complete({ calls: changed(), notifications: notified("a", "b") }))).toEqual([
    "unexpected",
  ]);
  expect(findings(effectsOnce, complete({ notifications: notified("a") }))).toEqual(["unexpected"]);
  // An attempt to a frozen service may be executed as well.
  expect(
    findings(
      effectsOnce,
      complete({ calls: changed({ sent: 2, indeterminate: 1 }), notifications: notified("a", "b") }),
    ),
  ).toEqual([]);
});

test("each printed invoice is mailed once, if requested", () => {
  const printed = (mailed: boolean, overrides: object = {}) => [
    ...calls,
    call("MarkInvoicesPrinted", { requested: { mailed }, ...overrides }),
  ];
  const mail = (...ids: string[]) => [
    ...complete().received,
    ...ids.map((id) => executed("einvoice", `${ID}-invoice-${id}`)),
  ];
  expect(findings(effectsOnce, complete({ calls: printed(true), received: mail("a") }))).toEqual([]);
  expect(findings(effectsOnce, complete({ calls: printed(true) }))).toEqual(["lost"]);
  expect(findings(effectsOnce, complete({ calls: printed(false) }))).toEqual([]);
  expect(findings(effectsOnce, complete({ calls: printed(false), received: mail("a") }))).toEqual(["unexpected"]);
  expect(findings(effectsOnce, complete({ calls: printed(true, { answer: "MISSING" }) }))).toEqual([]);
  const unanswered = printed(true, { answer: undefined, sent: 4, indeterminate: 4 });
  expect(findings(effectsOnce, complete({ calls: unanswered }))).toEqual([]);
  expect(findings(effectsOnce, complete({ calls: unanswered, received: mail("a") }))).toEqual([]);
});

test("finds nothing when effects are in version order", () => {
  expect(findings(effectOrder, complete())).toEqual([]);
});

test("finds effects in the wrong version order", () => {
  const swapped = [
    executed("message", `${ID}-8`, "2026-01-01T00:00:02Z"),
    executed("message", `${ID}-11`, "2026-01-01T00:00:01Z"),
  ];
  expect(findings(effectOrder, complete({ received: swapped }))).toEqual(["out of order"]);
  const settlements = [`${ID}-9`, `${ID}-7`].map((messageId) => ({ messageId, status: 6030 }));
  expect(findings(effectOrder, complete({ settlements }))).toEqual(["out of order"]);
  expect(
    findings(effectOrder, complete({ notifications: [notification(`${ID}-2`, 1), notification(`${ID}-1`, 2)] })),
  ).toEqual(["out of order"]);
});

test("ignores notifications without a sequence, and effects that an operator redrove", () => {
  const late = { ...notification(`${ID}-1`, 2), sequence: undefined };
  expect(findings(effectOrder, complete({ notifications: [notification(`${ID}-2`, 1), late] }))).toEqual([]);
  const ledger = [ledgerRow({ action: "third-party-notify", messageId: `${ID}-1`, redriven: true })];
  expect(
    findings(
      effectOrder,
      complete({ ledger, notifications: [notification(`${ID}-2`, 1), notification(`${ID}-1`, 2)] }),
    ),
  ).toEqual([]);
});

test("compares completion times in the ledger, with a tolerance for clock skew", () => {
  const ledger = (finishTime: number) => [
    ledgerRow({ messageId: `${ID}-1`, finishTime: 10_000 }),
    ledgerRow({ messageId: `${ID}-2`, finishTime }),
  ];
  expect(findings(effectOrder, complete({ ledger: ledger(9_990) }))).toEqual([]);
  expect(findings(effectOrder, complete({ ledger: ledger(8_000) }))).toEqual(["out of order"]);
});
