import type { OrderEvent } from "../../domain/events.ts";
import type { Subscription } from "../../store/outbox/outbox.ts";

/**
 * Work that follows an event: an effect in another system, a step of a flow, or a timer. Each
 * Action has its own consumers and ledger entries, so that a failing one delays no other, and takes
 * effect once by the means that fit it.
 */
export interface Action {
  /** Its name in the ledger, in metrics and in the command line. */
  readonly name: string;
  /**
   * The subjects of the events it may match; `*` stands for one part. None for a timer, which runs
   * from the ledger alone.
   */
  readonly subjects: readonly string[];
  /**
   * Whether it has to run for this event. Pure: evaluated at the commit and again at delivery, with
   * the same result.
   */
  matches(event: OrderEvent): boolean;
  /** For a timer: when it runs for this event. */
  due?(event: OrderEvent): Date;
  /**
   * Failed attempts never park it: an attempt without an answer may have had side effects, which
   * only the same key can find out.
   */
  readonly retryForever?: boolean;
  readonly run: ActionHandler;
}

/** Runs an Action for one event. What it throws counts as `retry`. */
export type ActionHandler = (event: OrderEvent, attempt: Attempt) => Promise<ActionResult>;

/** One attempt at an event. Can be passed to external systems as `CallOptions`. */
export interface Attempt {
  /** The id to deduplicate by: the same at every attempt. */
  readonly messageId: string;
  /** 1 for the first. */
  readonly number: number;
  /**
   * Whether an earlier attempt may have had side effects in an external system: it was cut short,
   * or ended as `retry`. A step of a paused order continues in this case, and does not start
   * otherwise.
   */
  readonly mayHaveSideEffects: boolean;
  /** The attempt's span, the same as in the event; "" where nothing is traced. */
  readonly traceparent: string;
  /** Aborted when the attempt exceeds its time limit, and when the server stops. */
  readonly signal: AbortSignal;
}

export type ActionResult =
  | { readonly kind: "done" }
  /** Failed for now. `afterMs`: retry no sooner than after this many milliseconds. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /**
   * Nothing failed and nothing happened; something else has to happen first (stock to arrive, an
   * answer to come). Repeated without limit: at the time given, else with back-off.
   * `mayHaveSideEffects`: an earlier attempt still may have had some; false by default.
   */
  | {
      readonly kind: "wait";
      readonly reason: string;
      readonly at?: Date;
      readonly mayHaveSideEffects?: boolean;
    }
  /** Failed permanently: parked until an operator decides. */
  | { readonly kind: "reject"; readonly reason: string };

export const DONE: ActionResult = { kind: "done" };

/** The subscriptions of an event: the commit opens a ledger entry for each Action that matches. */
export function subscriptionsFor(
  actions: readonly Pick<Action, "name" | "matches" | "due">[],
): (event: OrderEvent) => readonly Subscription[] {
  return (event) =>
    actions
      .filter((action) => action.matches(event))
      .map(({ name, due }) => (due === undefined ? { action: name } : { action: name, due: due(event) }));
}
