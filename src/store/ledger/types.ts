import type { OutboxRow } from "../outbox/outbox.ts";

/** One attempt of one Action at one event. */
export interface LedgerEntry {
  readonly id: bigint;
  readonly messageId: string;
  readonly action: string;
  readonly orderId: bigint;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Number of the attempt since an operator last retried the event, from 1. */
  readonly attemptInRound: number;
  /** All attempts up to this one are known to have had no side effects in an external system. */
  readonly sideEffectFreeAttempts: number;
  /** Commit time of the event. */
  readonly firstTime: Date;
}

export type Claim =
  | { readonly kind: "run"; readonly entry: LedgerEntry }
  /** Done, or discarded by an operator. */
  | { readonly kind: "done" }
  /** No such entry: the Action does not match this event. */
  | { readonly kind: "not-subscribed" }
  /**
   * Not now: an earlier event of the order is open, another server runs it, it is not due, or it is
   * parked.
   */
  | { readonly kind: "later" };

/** An entry that is due, with the row from which its event is decoded. */
export interface DueEntry {
  readonly entry: LedgerEntry;
  readonly row: OutboxRow;
  /**
   * Set for a suspected poison message, of which several attempts in a row started and never ended:
   * maximum number of suspects that may run at a time, itself included.
   */
  readonly maxConcurrentSuspects: number | undefined;
}

/** The due entries that were claimed. */
export interface DueClaim {
  readonly entries: readonly DueEntry[];
  /**
   * More may be due: of an Action whose limit was reached, or suspects that wait for their turn.
   */
  readonly more: boolean;
}

/** When entries become due, and which may run. */
export interface LedgerState {
  /** Names of the paused Actions. */
  readonly paused: ReadonlySet<string>;
  /** Due time of the first waiting entry, by Action; without those that have none. */
  readonly nextDue: ReadonlyMap<string, Date>;
}

/** Limits for a claim of due entries. */
export interface DueRequest {
  /** Maximum number of entries, by Action. */
  readonly limits: ReadonlyMap<string, number>;
  /** `maxConcurrentSuspects` of each suspect that is running. */
  readonly suspectLimits: readonly number[];
}

/** Number of open entries of an Action. */
export interface OpenCount {
  readonly action: string;
  readonly pending: number;
  readonly retrying: number;
  readonly parked: number;
  /** Commit time of the oldest pending or retrying event; undefined if there is none. */
  readonly waitingSince: Date | undefined;
  /** Due time of the first of them. */
  readonly firstDue: Date | undefined;
}
