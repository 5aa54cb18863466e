import { createBatcher } from "../../lib/batcher.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { claimAll } from "./claim.ts";
import { claimDue, setDue } from "./due.ts";
import { readOpenCounts } from "./open-counts.ts";
import { type AttemptOutcome, recordOutcomes } from "./outcomes.ts";
import { readPausedActions } from "./pauses.ts";
import { createActionTotals } from "./totals.ts";
import type { Claim, DueClaim, DueRequest, LedgerEntry, OpenCount } from "./types.ts";

export type * from "./types.ts";

/**
 * Who did what with which event: a row for each event and Action that asks for it, born PENDING with the event itself. All calls
 * reject with DatabaseUnavailableError while the database is away; an attempt whose end could not be written runs again when its
 * lease is over.
 */
export interface Ledger {
  /** Begins an attempt, if this is the time for it. Concurrent calls become one. */
  claim(messageId: string, action: string): Promise<Claim>;
  /** Begins attempts at what is due: failed before, or never brought by the broker. */
  claimDue(wanted: DueRequest): Promise<DueClaim>;
  /** Leaves an event to whoever looks for what is due. Concurrent calls become one. */
  setDue(messageId: string, action: string): Promise<void>;
  done(entry: LedgerEntry): Promise<void>;
  /** It failed for now: due again at `at`. */
  retry(entry: LedgerEntry, error: string, at: Date): Promise<void>;
  /** Not yet: due again at `at`. Neither this attempt nor one before has left anything behind at a neighbour. */
  defer(entry: LedgerEntry, reason: string, at: Date): Promise<void>;
  /** It failed for good, until a person decides. */
  park(entry: LedgerEntry, error: string): Promise<void>;
  openCounts(actions: readonly string[]): Promise<OpenCount[]>;
  /** The Actions that are not to run for now. */
  paused(): Promise<ReadonlySet<string>>;
  /** The time by which all times here are meant. */
  now(): Date;
  /** Writes the last sums. */
  close(): Promise<void>;
}

/** How many claims or ends one statement takes. */
const MAX_BATCH = 256;

export function createLedger({
  db,
  leaseMs,
  maxUnfinished = 6,
  outboxRetentionMs = 30_000,
}: {
  readonly db: OrderDatabase;
  /** How long an attempt counts as alive, in milliseconds, up to a fifth less now and then; longer than any takes. */
  readonly leaseMs: number;
  /** So many attempts in a row that started and never ended park the event: it kills whoever runs it. */
  readonly maxUnfinished?: number;
  /** How long the relay keeps published outbox rows at least, in milliseconds. */
  readonly outboxRetentionMs?: number;
}): Ledger {
  const deps = { db, leaseMs, maxUnfinished };
  const claim = createBatcher((pairs: readonly { messageId: string; action: string }[]) => claimAll(deps, pairs), {
    maxBatch: MAX_BATCH,
  });
  const due = createBatcher<{ messageId: string; action: string }, void>(
    async (pairs) => {
      await setDue(db, pairs);
      return [];
    },
    { maxBatch: MAX_BATCH },
  );
  const totals = createActionTotals(db);
  const finish = createBatcher<AttemptOutcome, void>(
    async (finishes) => {
      await recordOutcomes(db, finishes, outboxRetentionMs);
      totals.count(finishes, db.clock.now());
      return [];
    },
    { maxBatch: MAX_BATCH },
  );
  return {
    claim: (messageId, action) => claim({ messageId, action }),
    claimDue: (wanted) => claimDue(deps, wanted),
    setDue: (messageId, action) => due({ messageId, action }),
    done: (entry) => finish({ kind: "done", entry }),
    retry: (entry, error, at) => finish({ kind: "retry", entry, error, at, sideEffectFree: false }),
    defer: (entry, error, at) => finish({ kind: "retry", entry, error, at, sideEffectFree: true }),
    park: (entry, error) => finish({ kind: "park", entry, error }),
    openCounts: (actions) => readOpenCounts(db, actions),
    paused: () => readPausedActions(db),
    now: () => db.clock.now(),
    close: () => totals.close(),
  };
}
