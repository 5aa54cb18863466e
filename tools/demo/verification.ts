import { describeStatus } from "../../src/domain/state-machine.ts";
import type { LedgerRow } from "./database.ts";
import { ACTIONS, type Action } from "./effects.ts";
import type { ExpectedState } from "./expected-state.ts";
import { formatTable } from "./format.ts";
import type { Line } from "./orders.ts";
import { percentile, type Reconciliation, reconcile } from "./reconcile.ts";
import type { Stock } from "./stub-systems.ts";

/** What the demo found at all places where its effects are visible. */
export interface Findings {
  readonly history: { readonly changes: readonly string[]; readonly late: number };
  /** Message ids in the stream, in stream order. */
  readonly events: readonly string[];
  /** Message ids received by the watches. */
  readonly watched: readonly string[];
  readonly ledger: readonly LedgerRow[];
  /** Message ids (for gifts: order ids) by Action, one per effect. */
  readonly effects: Readonly<Record<Action, readonly string[]>>;
  readonly settlements: readonly {
    readonly orderId: bigint;
    readonly messageId: string;
    readonly lines: readonly Line[];
  }[];
}

/** A report, and the differences from the expectation. */
export interface Verification {
  readonly text: string;
  readonly differences: readonly string[];
}

const CHANGE = /^\d+-\d+$/;

/** Status events that follow a later one of the same order in the stream. */
function outOfOrder(events: readonly string[]): string[] {
  const latest = new Map<string, number>();
  return events.filter((messageId) => {
    if (!CHANGE.test(messageId)) {
      return false;
    }
    const [order = "", version = ""] = messageId.split("-");
    const before = latest.get(order) ?? 0;
    latest.set(order, Math.max(before, Number(version)));
    return Number(version) < before;
  });
}

const sortedLines = (lines: readonly Line[]) =>
  lines
    .map(({ skuId, quantity }) => `${skuId}×${quantity}`)
    .toSorted()
    .join(" ");

function wrongSettlements(expected: readonly ExpectedState[], { settlements }: Findings): string[] {
  const linesOf = new Map(expected.map(({ order, settled }) => [order.id, sortedLines(settled)]));
  return settlements
    .filter(({ orderId, lines }) => sortedLines(lines) !== linesOf.get(orderId))
    .map(
      ({ messageId, orderId, lines }) =>
        `settlement ${messageId} has ${sortedLines(lines)}, expected ${linesOf.get(orderId)}`,
    );
}

function describe(what: string, { lost, unexpected, duplicated }: Reconciliation): string[] {
  return [
    ...lost.map((name) => `${what}: ${name} is missing`),
    ...unexpected.map((name) => `${what}: ${name} is unexpected`),
    ...duplicated.map((name) => `${what}: ${name} occurs more than once`),
  ];
}

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** Compares the findings with the expected states. */
export function verify(expected: readonly ExpectedState[], findings: Findings): Verification {
  const events = expected.flatMap((state) => state.events);
  const changes = events.filter((name) => CHANGE.test(name));
  const late = expected.reduce((sum, state) => sum + state.late, 0);
  const effects = expected.flatMap((state) => state.effects);
  const swapped = outOfOrder(findings.events);
  const facts: readonly (readonly [string, Reconciliation])[] = [
    ["changes committed (history)", reconcile(changes, findings.history.changes)],
    ["events published (stream)", reconcile(events, findings.events)],
    ["changes watched (WatchOrderStatus)", reconcile(changes, findings.watched)],
  ];
  const actions = ACTIONS.map((action) => {
    const due = effects.filter((effect) => effect.action === action);
    const runs = findings.ledger.filter((row) => row.action === action);
    const names = due.map(({ messageId, orderId }) => (action === "gift-record" ? String(orderId) : messageId));
    return {
      action,
      tally: reconcile(names, findings.effects[action]),
      ledger: reconcile(
        due.map(({ messageId }) => messageId),
        runs.filter(({ state }) => state === "DONE").map(({ messageId }) => messageId),
      ),
      unfinished: runs.filter(({ state }) => state !== "DONE"),
      times: runs.flatMap(({ tookMs }) => (tookMs === null ? [] : [Number(tookMs)])).toSorted((a, b) => a - b),
    };
  });
  const differences = [
    ...facts.flatMap(([what, sums]) => describe(what, sums)),
    ...swapped.map((messageId) => `event ${messageId} follows a later one of its order in the stream`),
    ...(late === findings.history.late
      ? []
      : [`the history has ${findings.history.late} late reports, expected ${late}`]),
    ...actions.flatMap(({ action, unfinished }) =>
      unfinished.map(
        ({ messageId, state, lastError }) => `${action}: ${messageId} is ${state}${lastError ? ` (${lastError})` : ""}`,
      ),
    ),
    ...actions.flatMap(({ action, tally: sums }) => describe(action, sums)),
    ...actions.flatMap(({ action, ledger }) => describe(`ledger of ${action}`, ledger)),
    ...wrongSettlements(expected, findings),
  ];
  const factRows = facts.map(([what, sums]) => [
    what,
    sums.expected,
    sums.found,
    sums.lost.length,
    sums.duplicated.length,
  ]);
  const actionRows = actions.map(({ action, tally: sums, times }) => [
    action,
    sums.expected,
    sums.found,
    sums.lost.length,
    sums.duplicated.length,
    ms(percentile(times, 0.5)),
    ms(percentile(times, 0.99)),
  ]);
  const text = [
    formatTable([["", "expected", "found", "lost", "duplicated"], ...factRows]),
    formatTable([["Action", "expected", "found", "lost", "duplicated", "commit to effect p50", "p99"], ...actionRows]),
    `  ${late.toLocaleString("en")} late reports answered STALE and recorded; ${swapped.length === 0 ? "events of each order in order" : `${swapped.length} events out of order`}`,
  ].join("\n\n");
  return { text, differences };
}

/** Number of orders by end state. */
export function describeEndStates(expected: readonly ExpectedState[]): string {
  const ends = Map.groupBy(expected, ({ status }) => status);
  const rows = [...ends].toSorted(([a], [b]) => a - b).map(([status, of]) => [describeStatus(status), of.length]);
  return formatTable([["end state", "orders"], ...rows]);
}

/** Compares the stock bookings of ERP and WMS with each other and with the expected states. */
export function verifyStock(expected: readonly ExpectedState[], before: Stock, after: Stock): Verification {
  const booked = (column: keyof Stock) => after[column] - before[column];
  const due = (column: keyof ExpectedState["stock"]) => expected.reduce((sum, { stock }) => sum + stock[column], 0);
  const columns = ["allocated", "dispatched", "takenBack", "released"] as const;
  const kept = booked("dispatched") - booked("takenBack");
  const whole = booked("allocated") === kept + booked("released") + booked("held");
  const text = `  stock (pieces): ${booked("allocated")} allocated = ${kept} dispatched and not taken back + ${booked("released")} released + ${booked("held")} held`;
  return {
    text,
    differences: [
      ...(whole ? [] : [`the stock bookings do not add up:${text.slice(1)}`]),
      ...(booked("held") === 0 ? [] : [`${booked("held")} pieces are held without an order`]),
      ...columns
        .filter((column) => booked(column) !== due(column))
        .map((column) => `stock ${column}: ${booked(column)} pieces, expected ${due(column)}`),
    ],
  };
}
