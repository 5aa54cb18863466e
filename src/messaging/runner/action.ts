import type { OrderEvent } from "../../domain/events.ts";

/** What follows an event, be it an effect elsewhere or a step of a flow: a subscriber of its own, tried again alone, and once-only by the means that fit it. */
export interface Action {
  /** Its name in the ledger, in metrics and for people. */
  readonly name: string;
  /** The subjects of the events it may ask for; `*` stands for one part. */
  readonly subjects: readonly string[];
  /** Whether it has something to do for this event. Asked at the commit and again at delivery: pure, and the same at both. */
  matches(event: OrderEvent): boolean;
  /**
   * For a timer: when it goes off for this event. A timer has no subjects, as the ledger alone is its clock; it survives every restart.
   */
  due?(event: OrderEvent): Date;
  /**
   * Never given up after too many attempts, as its neighbour may have done what it gave no answer to: that has to be found out, with the
   * same id.
   */
  readonly retryForever?: boolean;
  /** Does it. What it throws counts as a retry. */
  run(event: OrderEvent, attempt: Attempt): Promise<ActionResult>;
}

/** One try. */
export interface Attempt {
  /** The id to dedupe by: the same at every attempt. */
  readonly messageId: string;
  /** 1 for the first. */
  readonly number: number;
  /**
   * Whether an earlier attempt may have left something behind at a neighbour: it was cut short, or ended as a `retry`. A step that finds
   * its order paused goes on if so, and does not begin otherwise.
   */
  readonly mayHaveSideEffects: boolean;
  /** What it does belongs to this span, as the event's `traceparent` says too; "" where nothing is traced. */
  readonly traceparent: string;
  /** Aborted when the attempt has lasted too long, and when the server stops. */
  readonly signal: AbortSignal;
}

export type ActionResult =
  | { readonly kind: "done" }
  /** Not now. `afterMs`: no sooner than in so many milliseconds. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /**
   * Nothing is wrong, nothing has happened, and somebody else has to move first (no stock, an answer to come). Tried again as often as it
   * takes: at the time given, else with back-off.
   */
  | { readonly kind: "wait"; readonly reason: string; readonly at?: Date }
  /** Never: parked until a person decides. */
  | { readonly kind: "reject"; readonly reason: string };

export const DONE: ActionResult = { kind: "done" };
