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

export type Judgement =
  | { readonly kind: "run" }
  /** Look again at this time. */
  | { readonly kind: "wait"; readonly until: Date }
  /** It kills whoever runs it. */
  | { readonly kind: "killer" }
  | { readonly kind: "done" }
  /** Leased, not due yet, or parked: nothing to write. */
  | { readonly kind: "later" };

/** How soon an event is looked at again that waits for an earlier one, in milliseconds. */
const WAIT_FOR_EARLIER_MS = 250;

/**
 * Whether an Action may run now. In order per order: while an earlier event is PENDING or RETRYING the later one waits; a PARKED one
 * holds up nobody, as a person's decision may take days. `nextAttemptTime` is a lease while an attempt runs, else a back-off or a
 * wait; only a first attempt need not wait for it, as the broker's message may come sooner.
 */
export function judge(candidate: Candidate, now: Date, maxUnfinished: number): Judgement {
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
  return started - finished >= maxUnfinished ? { kind: "killer" } : { kind: "run" };
}

/** No use to look before the earlier one is tried again. */
function waitUntil(earlier: Date, now: Date): Date {
  return new Date(Math.max(now.getTime() + WAIT_FOR_EARLIER_MS, earlier.getTime()));
}
