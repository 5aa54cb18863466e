import type { ActionState } from "../schema.ts";

/** A ledger row that a server wants to run. */
export interface Candidate {
  readonly id: bigint;
  readonly state: ActionState;
  /** Number of attempts started, and the number of the last one that ended. */
  readonly started: number;
  readonly finished: number;
  readonly nextAttemptTime: Date | null;
  /**
   * Set while an earlier event of the order is open for this Action: the time before which that one
   * is not retried.
   */
  readonly earlier: Date | undefined;
}

export type ClaimDecision =
  | { readonly kind: "run" }
  /** A suspected poison message: at most `maxConcurrentSuspects` run at a time, itself included. */
  | { readonly kind: "suspect"; readonly maxConcurrentSuspects: number }
  /** Deferred until this time. */
  | { readonly kind: "wait"; readonly until: Date }
  /** A poison message: it ends the process that runs it. */
  | { readonly kind: "poison" }
  | { readonly kind: "done" }
  /** Leased, not due or parked: nothing to write. */
  | { readonly kind: "later" };

/**
 * Minimum delay, in milliseconds, until an event that waits for an earlier one is claimed again.
 */
const MIN_DEFER_MS = 250;

/**
 * Maximum number of suspects that run at a time, by the number of attempts in a row that started
 * and never ended. One such attempt happens to every event that runs beside a poison message or on
 * a server that is killed; each further one lowers the limit, until the poison message runs alone.
 */
const MAX_CONCURRENT_SUSPECTS: Readonly<Record<number, number>> = { 2: 16, 3: 4 };

/**
 * Decides whether an Action may run an event now. Events of an order run in their order: while an
 * earlier one is PENDING or RETRYING, later ones wait. A PARKED one blocks none, as an operator's
 * decision may take days. `nextAttemptTime` is the end of a lease while an attempt runs, and
 * otherwise a back-off or deferral; a first attempt need not wait for it, as the broker may deliver
 * sooner.
 *
 * @param maxUnfinished number of attempts in a row that started and never ended, from which on the
 *   event counts as a poison message
 */
export function evaluateClaim(candidate: Candidate, now: Date, maxUnfinished: number): ClaimDecision {
  const { state, started, finished, nextAttemptTime, earlier } = candidate;
  if (state === "DONE" || state === "DISCARDED") {
    return { kind: "done" };
  }
  if (state === "PARKED") {
    return { kind: "later" };
  }
  const due = nextAttemptTime === null || nextAttemptTime <= now;
  const first = started === 0;
  if (!due && !first) {
    return { kind: "later" };
  }
  if (earlier !== undefined) {
    // Before the earlier one is retried, a claim could not succeed.
    return { kind: "wait", until: new Date(Math.max(now.getTime() + MIN_DEFER_MS, earlier.getTime())) };
  }
  const unfinished = started - finished;
  if (unfinished >= maxUnfinished) {
    return { kind: "poison" };
  }
  return unfinished < 2
    ? { kind: "run" }
    : { kind: "suspect", maxConcurrentSuspects: MAX_CONCURRENT_SUSPECTS[unfinished] ?? 1 };
}
