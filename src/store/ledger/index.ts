import { createBatcher } from "../../lib/batcher.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { claimAll } from "./claim.ts";
import { claimDue, makeDue, readLedgerState } from "./due.ts";
import { createDueSignal, type DueSignal } from "./due-signal.ts";
import { readOpenCounts } from "./open-counts.ts";
import { type AttemptOutcome, recordOutcomes } from "./outcomes.ts";
import { createActionTotals } from "./totals.ts";
import type { Claim, DueClaim, DueRequest, LedgerEntry, LedgerState, OpenCount } from "./types.ts";

export type * from "./types.ts";

/**
 * The Action ledger: a row for each event and Action that matches it, inserted as PENDING in the
 * event's own commit. All calls reject with DatabaseUnavailableError while the database is
 * unavailable; an attempt whose result could not be recorded runs again when its lease expires.
 */
export interface Ledger {
  /** Starts an attempt, if the entry may run now. Concurrent calls are batched. */
  claim(messageId: string, action: string): Promise<Claim>;
  /** The paused Actions, and when the entries of these Actions become due. */
  state(actions: readonly string[]): Promise<LedgerState>;
  /** Starts attempts of due entries: failed before, or never delivered by the broker. */
  claimDue(wanted: DueRequest): Promise<DueClaim>;
  /** Makes an event due now that was never attempted. Concurrent calls are batched. */
  makeDue(messageId: string, action: string): Promise<void>;
  done(entry: LedgerEntry): Promise<void>;
  /** The attempt failed; due again at `at`. */
  retry(entry: LedgerEntry, error: string, at: Date): Promise<void>;
  /**
   * The event is not ready; due again at `at`. No attempt so far had side effects in an external
   * system.
   */
  defer(entry: LedgerEntry, reason: string, at: Date): Promise<void>;
  /** The event failed permanently, until an operator decides. */
  park(entry: LedgerEntry, error: string): Promise<void>;
  openCounts(actions: readonly string[]): Promise<OpenCount[]>;
  /**
   * Calls the listener when this server makes an entry due (at a time, or at once) or pauses an
   * Action: there is no need to poll for that. Other servers' changes are found by `state`.
   */
  onDue: DueSignal["listen"];
  /** The clock of all times in the ledger. */
  now(): Date;
  /** Writes the last totals. */
  close(): Promise<void>;
}

/** Maximum number of claims or results in one statement. */
const MAX_BATCH = 256;

/**
 * Times for which claims and results are collected for one statement, in milliseconds. The former
 * is part of an Action's latency; nothing waits for the latter but the acknowledgement.
 */
const CLAIM_WINDOW_MS = 3;
const OUTCOME_WINDOW_MS = 8;

export function createLedger({
  db,
  leaseMs,
  maxUnfinished = 6,
  outboxRetentionMs = 30_000,
  dueSignal = createDueSignal(),
}: {
  readonly db: OrderDatabase;
  /**
   * Maximum duration of a lease, in milliseconds; at times up to a fifth shorter. Must exceed the
   * attempt timeout.
   */
  readonly leaseMs: number;
  /**
   * Number of attempts in a row that started and never ended, after which a poison message is
   * parked.
   */
  readonly maxUnfinished?: number;
  /** Minimum retention of published outbox rows, in milliseconds. */
  readonly outboxRetentionMs?: number;
  /** Notified by the operations that make entries due on this server. */
  readonly dueSignal?: DueSignal;
}): Ledger {
  const deps = { db, leaseMs, maxUnfinished, onDue: dueSignal.notify };
  const claim = createBatcher((pairs: readonly { messageId: string; action: string }[]) => claimAll(deps, pairs), {
    maxBatch: MAX_BATCH,
    windowMs: CLAIM_WINDOW_MS,
  });
  const due = createBatcher<{ messageId: string; action: string }, void>(
    async (pairs) => {
      await makeDue(db, pairs);
      return [];
    },
    { maxBatch: MAX_BATCH },
  );
  const totals = createActionTotals(db);
  const finish = createBatcher<AttemptOutcome, void>(
    async (outcomes) => {
      await recordOutcomes(db, outcomes, outboxRetentionMs);
      totals.count(outcomes, db.clock.now());
      return [];
    },
    { maxBatch: MAX_BATCH, windowMs: OUTCOME_WINDOW_MS },
  );
  const retryAt = async (outcome: AttemptOutcome & { readonly kind: "retry" }) => {
    await finish(outcome);
    dueSignal.notify(outcome.at);
  };
  return {
    claim: (messageId, action) => claim({ messageId, action }),
    state: (actions) => readLedgerState(db, actions),
    claimDue: (wanted) => claimDue(deps, wanted),
    makeDue: (messageId, action) => due({ messageId, action }),
    done: (entry) => finish({ kind: "done", entry }),
    retry: (entry, error, at) => retryAt({ kind: "retry", entry, error, at, sideEffectFree: false }),
    defer: (entry, error, at) => retryAt({ kind: "retry", entry, error, at, sideEffectFree: true }),
    park: (entry, error) => finish({ kind: "park", entry, error }),
    openCounts: (actions) => readOpenCounts(db, actions),
    onDue: dueSignal.listen,
    now: () => db.clock.now(),
    close: () => totals.close(),
  };
}
