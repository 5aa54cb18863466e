import { expect, test } from "vitest";
import { effectOrder } from "../../../../faults/checks/effect-order.ts";
import { effectsOnce } from "../../../../faults/checks/effects.ts";
import type { OrderFacts } from "../../../../faults/checks/facts.ts";
import { call, carriedOut, DELIVERED, factsOf, findings, ID, ledgerRow, reported } from "./facts.ts";

const calls = DELIVERED.map((status, index) => reported(status, index + 1));

/** A delivered order of a marketplace with all its effects. */
const whole = (given: Partial<Omit<OrderFacts, "journal">> & { readonly calls?: typeof calls } = {}) =>
  factsOf(DELIVERED, {
    kind: "marketplace",
    settlements: [{ messageId: `${ID}-11`, status: 6010 }],
    gifts: [1],
    received: [carriedOut("finance", `${ID}-11`), carriedOut("message", `${ID}-8`), carriedOut("message", `${ID}-11`)],
    notifications: DELIVERED.map((_, index) => notice(`${ID}-${index + 1}`, index)),
    ...given,
  });

const notice = (messageId: string, sequence: number) => ({ messageId, key: `${messageId}:category`, sequence });

const without = <T>(list: readonly T[], at: number) => list.toSpliced(at, 1);

test("all effects once", () => {
  expect(findings(effectsOnce, whole())).toEqual([]);
});

test("each effect that is missing is lost", () => {
  const { received, notifications } = whole();
  expect(findings(effectsOnce, whole({ settlements: [] }))).toEqual(["lost"]);
  expect(findings(effectsOnce, whole({ gifts: [0] }))).toEqual(["lost"]);
  expect(findings(effectsOnce, whole({ notifications: without(notifications, 4) }))).toEqual(["lost"]);
  for (const index of received.keys()) {
    expect(findings(effectsOnce, whole({ received: without(received, index) }))).toEqual(["lost"]);
  }
});

test("what arrived and was not carried out is no effect", () => {
  const received = whole().received.map((entry) => ({ ...entry, done: entry.path !== "finance" }));
  expect(findings(effectsOnce, whole({ received }))).toEqual(["lost"]);
});

test("an effect that happened again is duplicated", () => {
  const { settlements, notifications } = whole();
  expect(findings(effectsOnce, whole({ settlements: [...settlements, ...settlements] }))).toEqual(["duplicated"]);
  expect(findings(effectsOnce, whole({ notifications: [...notifications, ...notifications.slice(0, 1)] }))).toEqual([
    "duplicated",
  ]);
});

test("an effect without its commit is a ghost", () => {
  const { received, settlements } = whole();
  expect(findings(effectsOnce, whole({ received: [...received, carriedOut("finance", `${ID}-12`)] }))).toEqual([
    "ghost",
  ]);
  expect(findings(effectsOnce, whole({ received: [...received, carriedOut("einvoice", `${ID}-11`)] }))).toEqual([
    "ghost",
  ]);
  const early = { messageId: `${ID}-5`, status: 6010 };
  expect(findings(effectsOnce, whole({ settlements: [early, ...settlements] }))).toEqual(["ghost"]);
  expect(findings(effectsOnce, factsOf([1010], { gifts: [1] }))).toEqual(["ghost"]);
});

test("a new carrier is told to a marketplace, as often as it changed", () => {
  const changed = (given: object = {}) => [...calls, call("UpdateDeliveryInfo", given)];
  const told = (...ids: string[]) => [...whole().notifications, ...ids.map((id) => notice(`${ID}-delivery-${id}`, 99))];
  expect(findings(effectsOnce, whole({ calls: changed(), notifications: told("a") }))).toEqual([]);
  expect(findings(effectsOnce, whole({ calls: changed() }))).toEqual(["lost"]);
  expect(findings(effectsOnce, whole({ calls: changed(), notifications: told("a", "b") }))).toEqual(["ghost"]);
  expect(findings(effectsOnce, whole({ notifications: told("a") }))).toEqual(["ghost"]);
  // Sent again, as a frozen service may carry it out once more.
  expect(
    findings(effectsOnce, whole({ calls: changed({ sent: 2, indeterminate: 1 }), notifications: told("a", "b") })),
  ).toEqual([]);
});

test("a printed invoice is mailed if it is to be, once for what it says", () => {
  const printed = (mailed: boolean, given: object = {}) => [
    ...calls,
    call("MarkInvoicesPrinted", { requested: { mailed }, ...given }),
  ];
  const mail = (...ids: string[]) => [
    ...whole().received,
    ...ids.map((id) => carriedOut("einvoice", `${ID}-invoice-${id}`)),
  ];
  expect(findings(effectsOnce, whole({ calls: printed(true), received: mail("a") }))).toEqual([]);
  expect(findings(effectsOnce, whole({ calls: printed(true) }))).toEqual(["lost"]);
  expect(findings(effectsOnce, whole({ calls: printed(false) }))).toEqual([]);
  expect(findings(effectsOnce, whole({ calls: printed(false), received: mail("a") }))).toEqual(["ghost"]);
  expect(findings(effectsOnce, whole({ calls: printed(true, { answer: "MISSING" }) }))).toEqual([]);
  const unanswered = printed(true, { answer: undefined, sent: 4, indeterminate: 4 });
  expect(findings(effectsOnce, whole({ calls: unanswered }))).toEqual([]);
  expect(findings(effectsOnce, whole({ calls: unanswered, received: mail("a") }))).toEqual([]);
});

test("effects in the order of versions", () => {
  expect(findings(effectOrder, whole())).toEqual([]);
});

test("a later version's effect before an earlier one's", () => {
  const swapped = [
    carriedOut("message", `${ID}-8`, "2026-01-01T00:00:02Z"),
    carriedOut("message", `${ID}-11`, "2026-01-01T00:00:01Z"),
  ];
  expect(findings(effectOrder, whole({ received: swapped }))).toEqual(["out of order"]);
  const settlements = [`${ID}-9`, `${ID}-7`].map((messageId) => ({ messageId, status: 6030 }));
  expect(findings(effectOrder, whole({ settlements }))).toEqual(["out of order"]);
  expect(findings(effectOrder, whole({ notifications: [notice(`${ID}-2`, 1), notice(`${ID}-1`, 2)] }))).toEqual([
    "out of order",
  ]);
});

test("what was read from the stream afterwards has no sequence, and what a person had tried again is exempt", () => {
  const late = { ...notice(`${ID}-1`, 2), sequence: undefined };
  expect(findings(effectOrder, whole({ notifications: [notice(`${ID}-2`, 1), late] }))).toEqual([]);
  const ledger = [ledgerRow({ action: "third-party-notify", messageId: `${ID}-1`, redriven: true })];
  expect(findings(effectOrder, whole({ ledger, notifications: [notice(`${ID}-2`, 1), notice(`${ID}-1`, 2)] }))).toEqual(
    [],
  );
});

test("the ledger's order of ends, but for what two clocks differ by", () => {
  const ledger = (finishTime: number) => [
    ledgerRow({ messageId: `${ID}-1`, finishTime: 10_000 }),
    ledgerRow({ messageId: `${ID}-2`, finishTime }),
  ];
  expect(findings(effectOrder, whole({ ledger: ledger(9_990) }))).toEqual([]);
  expect(findings(effectOrder, whole({ ledger: ledger(8_000) }))).toEqual(["out of order"]);
});
