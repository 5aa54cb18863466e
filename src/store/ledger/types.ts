import type { OutboxRow } from "../outbox/outbox.ts";

/** One attempt of one Action at one event. */
export interface LedgerEntry {
  readonly id: bigint;
  readonly messageId: string;
  readonly action: string;
  readonly orderId: bigint;
  /** 1 for the first. */
  readonly attempt: number;
  /** As `attempt`, since a person last had the event tried again. */
  readonly attemptInRound: number;
  /** Of the attempts up to this one it is known that none has left anything behind at a neighbour. */
  readonly sideEffectFreeAttempts: number;
  /** When the event was committed. */
  readonly firstTime: Date;
}

export type Claim =
  | { readonly kind: "run"; readonly entry: LedgerEntry }
  /** Done, or discarded by a person. */
  | { readonly kind: "done" }
  /** No such row: this Action does not ask for this event. */
  | { readonly kind: "not-asked" }
  /** Not now: an earlier event of the order is open, somebody else is at it, it is not due, or a person has to decide. */
  | { readonly kind: "later" };

/** An entry that is due, with what its event is rebuilt from. */
export interface DueEntry {
  readonly entry: LedgerEntry;
  readonly row: OutboxRow;
  /**
   * For one whose attempts have started and not ended several times in a row, so that perhaps it kills whoever runs it: how many such may
   * run at a time, itself among them.
   */
  readonly maxConcurrentSuspects: number | undefined;
}

/** What is run now of what is due. */
export interface DueClaim {
  readonly entries: readonly DueEntry[];
  /** There may be more of an Action than was wanted, or suspects that wait for their turn. */
  readonly more: boolean;
}

/** What is wanted of what is due. */
export interface DueRequest {
  /** How many of each Action. */
  readonly limits: ReadonlyMap<string, number>;
  /** The company that each suspect under way may have. */
  readonly suspectLimits: readonly number[];
}

/** How much of an Action is not done. */
export interface OpenCount {
  readonly action: string;
  readonly pending: number;
  readonly retrying: number;
  readonly parked: number;
  /** When the oldest pending or retrying event was committed; undefined where there is none. */
  readonly waitingSince: Date | undefined;
  /** When the first of them is due, or was. */
  readonly firstDue: Date | undefined;
}
