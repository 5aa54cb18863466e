import type { LedgerRow } from "./database.ts";
import { ACTIONS, type Action } from "./effects.ts";
import type { ExpectedState } from "./expected-state.ts";
import type { Line } from "./orders.ts";
import { percentile, type Reconciliation, reconcile } from "./reconcile.ts";
import { formatTable } from "./table.ts";

/** What the demo found, from every witness. */
export interface Findings {
  readonly history: { readonly changes: readonly string[]; readonly late: number };
  /** Message ids in the stream, in its order. */
  readonly events: readonly string[];
  /** Message ids that the watch saw. */
  readonly watched: readonly string[];
  readonly ledger: readonly LedgerRow[];
  /** Message ids (for gifts: order ids) by Action, each as often as it took effect. */
  readonly effects: Readonly<Record<Action, readonly string[]>>;
  readonly settlements: readonly {
    readonly orderId: bigint;
    readonly messageId: string;
    readonly lines: readonly Line[];
  }[];
}

/** What there is to say, and what is off. */
export interface Verification {
  readonly text: string;
  readonly differences: readonly string[];
}

const CHANGE = /^\d+-\d+$/;

/** Status events that the stream holds behind a later one of the same order. */
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

function wrongSettlements(outlooks: readonly ExpectedState[], { settlements }: Findings): string[] {
  const expected = new Map(outlooks.map(({ order, settled }) => [order.id, sortedLines(settled)]));
  return settlements
    .filter(({ orderId, lines }) => sortedLines(lines) !== expected.get(orderId))
    .map(
      ({ messageId, orderId, lines }) =>
        `settlement ${messageId} counts ${sortedLines(lines)}, expected ${expected.get(orderId)}`,
    );
}

function describe(what: string, { lost, unexpected, duplicated }: Reconciliation): string[] {
  return [
    ...lost.map((name) => `${what}: ${name} is missing`),
    ...unexpected.map((name) => `${what}: ${name} was not due`),
    ...duplicated.map((name) => `${what}: ${name} came more than once`),
  ];
}

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** Holds what was found against what the orders' lives must have left. */
export function verify(outlooks: readonly ExpectedState[], findings: Findings): Verification {
  const events = outlooks.flatMap((outlook) => outlook.events);
  const changes = events.filter((name) => CHANGE.test(name));
  const late = outlooks.reduce((sum, outlook) => sum + outlook.late, 0);
  const effects = outlooks.flatMap((outlook) => outlook.effects);
  const swapped = outOfOrder(findings.events);
  const facts: readonly (readonly [string, Reconciliation])[] = [
    ["changes committed (history)", reconcile(changes, findings.history.changes)],
    ["events published (stream)", reconcile(events, findings.events)],
    ["changes watched (streams of the orders)", reconcile(changes, findings.watched)],
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
    ...swapped.map((messageId) => `event ${messageId} stands in the stream behind a later one of its order`),
    ...(late === findings.history.late
      ? []
      : [`the history keeps ${findings.history.late} late reports, expected ${late}`]),
    ...actions.flatMap(({ action, unfinished }) =>
      unfinished.map(
        ({ messageId, state, lastError }) => `${action}: ${messageId} is ${state}${lastError ? ` (${lastError})` : ""}`,
      ),
    ),
    ...actions.flatMap(({ action, tally: sums }) => describe(action, sums)),
    ...actions.flatMap(({ action, ledger }) => describe(`ledger of ${action}`, ledger)),
    ...wrongSettlements(outlooks, findings),
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
    formatTable([["", "expected", "found", "lost", "doubled"], ...factRows]),
    formatTable([["Action", "due", "happened", "lost", "doubled", "commit → effect p50", "p99"], ...actionRows]),
    `  ${late.toLocaleString("en")} late reports answered STALE and kept; ${swapped.length === 0 ? "every order's events stand in its order" : `${swapped.length} events out of order`}`,
  ].join("\n\n");
  return { text, differences };
}
