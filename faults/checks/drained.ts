import type { Checker } from "./checker.ts";
import type { LedgerRow } from "./facts.ts";

/** Born due later: they are open until then. */
const TIMERS: readonly string[] = ["payment-timeout", "cancel-time-limit"];

/** Whether a run has to be done by now. */
export function isOpen({ state, action, dueInMs }: Pick<LedgerRow, "state" | "action" | "dueInMs">): boolean {
  const waits = TIMERS.includes(action) && dueInMs !== undefined && dueInMs > 0;
  return (state === "PENDING" || state === "RETRYING") && !waits;
}

/** Nothing is open any more but timers that are not due, and nothing waits for a person. */
export const ledgerDrained: Checker = {
  name: "ledger drained, nothing parked",
  check({ ledger }, find) {
    for (const row of ledger) {
      const { action, messageId, state, attempts, lastError } = row;
      const about = `${action} for ${messageId} is ${state} after ${attempts} attempts${lastError === "" ? "" : `: ${lastError}`}`;
      if (isOpen(row) || state === "PARKED") {
        find("other", about);
      }
    }
    return ledger.length;
  },
};

/** Effects that came by the slow road: done at a second attempt, or so late that the broker's message cannot have brought them. */
export function countRecovered(ledger: readonly LedgerRow[], slowMs: number): number {
  return ledger.filter(
    ({ action, state, attempts, firstTime, finishTime = firstTime }) =>
      state === "DONE" && !TIMERS.includes(action) && (attempts > 1 || finishTime - firstTime >= slowMs),
  ).length;
}
