import type { Checker } from "./checker.ts";
import type { LedgerRow } from "./facts.ts";

/** Timers are due later than their event, and open until then. */
const TIMERS: readonly string[] = ["payment-timeout", "cancel-time-limit"];

/** Whether an entry should have completed by now. */
export function isOpen({ state, action, dueInMs }: Pick<LedgerRow, "state" | "action" | "dueInMs">): boolean {
  const isPending = TIMERS.includes(action) && dueInMs !== undefined && dueInMs > 0;
  return (state === "PENDING" || state === "RETRYING") && !isPending;
}

/**
 * Only timers that are not due are open, and no entry is parked, except for an answer of the WMS
 * that contradicts the one that the workload reported in its place.
 */
export const ledgerDrained: Checker = {
  name: "ledger drained, no entry parked",
  check({ ledger, journal }, find) {
    const hasReportedAnswer = journal.calls.some(({ rpc }) => rpc === "ReportWmsAnswer");
    for (const row of ledger) {
      const { action, messageId, state, attempts, lastError } = row;
      const isExpected = action === "wms-answer-conflict" && hasReportedAnswer;
      if (isOpen(row) || (state === "PARKED" && !isExpected)) {
        const error = lastError === "" ? "" : `: ${lastError}`;
        find("other", `${action} for ${messageId} is ${state} after ${attempts} attempts${error}`);
      }
    }
    return ledger.length;
  },
};

/**
 * Number of effects that needed a second attempt, or so long that they were run from the ledger
 * instead of the broker's delivery.
 */
export function countRecovered(ledger: readonly LedgerRow[], slowMs: number): number {
  return ledger.filter(
    ({ action, state, attempts, firstTime, finishTime = firstTime }) =>
      state === "DONE" && !TIMERS.includes(action) && (attempts > 1 || finishTime - firstTime >= slowMs),
  ).length;
}
