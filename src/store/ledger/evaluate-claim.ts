import type { ActionState } from "../schema.ts";

/** What is known of a ledger row when somebody wants to run it. */
export interface Candidate {
  readonly id: bigint;
  readonly state: ActionState;
  readonly started: number;
  readonly finished: number;
  readonly nextAttemptTime: Date | null;
  /**
   * There is an earlier event of the same order that this Action is not done with: no sooner than then will it be tried again.
   */
  readonly earlier: Date | undefined;
}

export type ClaimDecision =
  | { readonly kind: "run" }
  /** It may be what killed those who ran it: no more than `company` suspects at a time, itself among them. */
  | { readonly kind: "suspect"; readonly maxConcurrentSuspects: number }
  /** Look again at this time. */
  | { readonly kind: "wait"; readonly until: Date }
  /** It kills whoever runs it. */
  | { readonly kind: "killer" }
  | { readonly kind: "done" }
  /** Leased, not due yet, or parked: nothing to write. */
  | { readonly kind: "later" };

/** How soon an event is looked at again that waits for an earlier one, in milliseconds. */
const LOOK_AGAIN_MS = 250;

/**
 * How many suspects run at a time, by how many attempts in a row started and never ended. One such attempt can happen to anybody who is in
 * the company of a killer, or of a person with a kill command; with each further one the company grows smaller, until the killer is
 * alone.
 */
const COMPANY: Readonly<Record<number, number>> = { 2: 16, 3: 4 };

/**
 * Whether an Action may run now. In order per order: while an earlier event is PENDING or RETRYING the later one waits; a PARKED one
 * holds up nobody, as a person's decision may take days. `nextAttemptTime` is a lease while an attempt runs, else a back-off or a
 * wait; only a first attempt need not wait for it, as the broker's message may come sooner.
 *
 * @param maxUnfinished so many attempts in a row that started and never ended tell a killer
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
  const fresh = started === 0;
  if (!due && !fresh) {
    return { kind: "later" };
  }
  if (earlier !== undefined) {
    return { kind: "wait", until: waitUntil(earlier, now) };
  }
  const unfinished = started - finished;
  if (unfinished >= maxUnfinished) {
    return { kind: "killer" };
  }
  return unfinished < 2 ? { kind: "run" } : { kind: "suspect", maxConcurrentSuspects: COMPANY[unfinished] ?? 1 };
}

/** No use to look before the earlier one is tried again. */
function waitUntil(earlier: Date, now: Date): Date {
  return new Date(Math.max(now.getTime() + LOOK_AGAIN_MS, earlier.getTime()));
}
