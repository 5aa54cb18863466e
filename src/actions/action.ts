import type { OrderEvent } from "../domain/events.ts";

/** What follows an event: a subscriber of its own, tried again alone, and once-only by the means that fit it. */
export interface Action {
  /** Its name in the ledger, in metrics and for people. */
  readonly name: string;
  /** The subjects of the events it may ask for; `*` stands for one part. */
  readonly subjects: readonly string[];
  /** Whether it has something to do for this event. Asked at the commit and again at delivery: pure, and the same at both. */
  asks(event: OrderEvent): boolean;
  /** Does it. What it throws counts as a retry. */
  run(event: OrderEvent, attempt: Attempt): Promise<ActionResult>;
}

/** One try. */
export interface Attempt {
  /** The id to dedupe by: the same at every attempt. */
  readonly messageId: string;
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the attempt has lasted too long, and when the server stops. */
  readonly signal: AbortSignal;
}

export type ActionResult =
  | { readonly kind: "done" }
  /** Not now. `afterMs`: no sooner than in so many milliseconds. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /** Never: parked until a person decides. */
  | { readonly kind: "reject"; readonly reason: string };

export const DONE: ActionResult = { kind: "done" };
