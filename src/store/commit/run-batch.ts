import { DatabaseUnavailableError, DeadlinePassedError } from "../mysql/errors.ts";
import { classifyFailure, type FailureKind } from "../mysql/failures.ts";
import { waitBeforeRetry } from "../mysql/transaction.ts";
import { attempt, type BatchProgress, type CommittedBatch, resolveUnanswered } from "./attempt.ts";
import { type Connector, connectWithin } from "./connector.ts";
import type { PendingRequest } from "./pending-request.ts";
import type { BatchTimes, CommitObserver, CommitterOptions, RetryReason } from "./types.ts";

/** How often the database may fail a batch for each reason before it is split, or given up where it is a single request. */
const MAX_FAILURES: Readonly<Record<FailureKind, number>> = {
  deadlock: 8,
  "duplicate-key": 8,
  "lock-timeout": 3,
  lost: 3,
  statement: 1,
};

const REASONS: Readonly<Record<FailureKind, RetryReason>> = {
  deadlock: "deadlock",
  // Two batches with the same request id: the second one finds it when it is tried again.
  "duplicate-key": "deadlock",
  "lock-timeout": "lock-timeout",
  lost: "connection-lost",
  statement: "split",
};

/** How long a batch waits for a database that cannot be reached, in milliseconds. */
const AWAY_MS = 2_000;

/** … where it was sent and had no answer: giving it up leaves its callers not knowing. */
const AWAY_UNANSWERED_MS = 10_000;

/** Where a batch runs. */
export interface BatchContext {
  readonly options: CommitterOptions;
  readonly connector: Connector;
  /** The lane's name among the commit marks. */
  readonly lane: string;
  /** Numbers the attempts of the lane. */
  readonly nextBatch: () => bigint;
  /** Waits for rows that somebody else has locked, in place of leaving them out. */
  readonly waitForLocks: boolean;
  /** Takes the requests whose orders somebody else has locked. */
  readonly defer: (works: readonly PendingRequest[]) => void;
  /** The database stays away: nobody else of this lane has to wait for it either. */
  readonly onUnavailable: (error: unknown) => void;
}

/**
 * Brings a batch to its end: when the promise resolves, each of its requests is settled or set aside. The whole transaction is tried
 * again after a deadlock, a lock time-out or a lost connection; a batch that still fails is split in halves, until what fails fails
 * alone.
 */
export async function runBatch(
  batch: readonly PendingRequest[],
  context: BatchContext,
  soFar: BatchTimes = beginning(),
): Promise<void> {
  const { observe } = context.options;
  const times = { ...soFar, size: batch.length };
  const progress: BatchProgress = { requests: batch, unanswered: undefined, times };
  for (const work of batch) {
    work.batch = times;
  }
  const failures: Record<FailureKind, number> = {
    deadlock: 0,
    "duplicate-key": 0,
    "lock-timeout": 0,
    lost: 0,
    statement: 0,
  };
  for (;;) {
    rejectLate(progress);
    if (progress.requests.length === 0) {
      return;
    }
    // A batch that has waited for a lock in vain goes on without it: the rest need not wait any more.
    const patient = context.waitForLocks && failures["lock-timeout"] === 0;
    const outcome = await tryOnce(progress, { ...context, waitForLocks: patient });
    if (outcome.kind === "committed") {
      publish(progress, outcome, context.options);
      return;
    }
    const { failure, error } = outcome;
    if (progress.unanswered !== undefined) {
      const found = await ascertain(progress, context);
      if (found.kind === "committed") {
        publish(progress, found, context.options);
        return;
      }
      if (found.kind === "away") {
        giveUp(progress, found.error, context);
        return;
      }
      progress.unanswered = undefined;
    }
    if (failure === "away") {
      giveUp(progress, error, context);
      return;
    }
    failures[failure] += 1;
    times.retries += 1;
    if (failures[failure] < MAX_FAILURES[failure]) {
      observe?.retried?.(REASONS[failure]);
      await waitBeforeRetry(failures[failure]);
    } else if (progress.requests.length > 1) {
      observe?.retried?.("split");
      const middle = Math.ceil(progress.requests.length / 2);
      await runBatch(progress.requests.slice(0, middle), context, times);
      await runBatch(progress.requests.slice(middle), context, times);
      return;
    } else {
      fail(progress, failure === "statement" ? error : new DatabaseUnavailableError(error), observe);
      return;
    }
  }
}

interface Done {
  readonly kind: "committed";
  readonly committed: CommittedBatch;
  readonly durationMs: number;
}

async function tryOnce(
  progress: BatchProgress,
  context: BatchContext,
): Promise<Done | { readonly kind: "failed"; readonly failure: FailureKind | "away"; readonly error: unknown }> {
  const asked = performance.now();
  const reached = await connectWithin(context.connector, AWAY_MS);
  const started = performance.now();
  progress.times.connectMs += started - asked;
  if (reached.kind === "away") {
    return { kind: "failed", failure: "away", error: reached.error };
  }
  try {
    const committed = await attempt(progress, reached.connected, { ...context, batch: context.nextBatch() });
    return { kind: "committed", committed, durationMs: performance.now() - started };
  } catch (error) {
    const failure = classifyFailure(error);
    if (failure !== "lost") {
      // After a lock time-out, say, the transaction is still open. If this fails too, the connection ends, and it with it.
      await reached.connected.session.send(["rollback"]).catch(() => {});
    }
    return { kind: "failed", failure, error };
  }
}

/** Finds out what became of a batch that was sent and had no answer. Meanwhile nobody else waits for longer than usual. */
async function ascertain(
  progress: BatchProgress,
  { connector, lane, onUnavailable }: BatchContext,
): Promise<Done | { readonly kind: "undone" } | { readonly kind: "away"; readonly error: unknown }> {
  const started = performance.now();
  for (let tries = 1; ; tries += 1) {
    const reached = await connectWithin(connector, AWAY_MS);
    let trouble: unknown;
    if (reached.kind === "reached") {
      try {
        const committed = await resolveUnanswered(progress, reached.connected, lane);
        return committed === undefined
          ? { kind: "undone" }
          : { kind: "committed", committed, durationMs: performance.now() - started };
      } catch (error) {
        trouble = error;
        await reached.connected.session.send(["rollback"]).catch(() => {});
      }
    } else {
      trouble = reached.error;
      onUnavailable(trouble);
    }
    if (performance.now() - started > AWAY_UNANSWERED_MS) {
      return { kind: "away", error: new DatabaseUnavailableError(trouble) };
    }
    await waitBeforeRetry(Math.min(tries, 5));
  }
}

function publish(
  { requests, times }: BatchProgress,
  { committed, durationMs }: Done,
  { observe, onCommitted }: CommitterOptions,
): void {
  end(requests, times);
  if (requests.length > 0) {
    observe?.committed?.(requests.length, durationMs);
  }
  for (const tell of committed.settleCallbacks) {
    tell();
  }
  tellEnd(requests, times, undefined, observe);
  if (committed.events.length > 0) {
    // Once the answers are on their way: nobody waits for what follows.
    setImmediate(onCommitted, committed.events);
  }
}

function giveUp(progress: BatchProgress, error: unknown, { onUnavailable, options }: BatchContext): void {
  fail(progress, error, options.observe);
  onUnavailable(error);
}

function fail({ requests, times }: BatchProgress, error: unknown, observe: CommitObserver | undefined): void {
  end(requests, times);
  rejectAll(requests, error);
  tellEnd(requests, times, error, observe);
}

function beginning(): BatchTimes {
  const begunAt = performance.now();
  return { startedAt: begunAt, answeredAt: 0, size: 0, retries: 0, connectMs: 0, readMs: 0, writeMs: 0 };
}

/** Some may have been set aside, or were too late. */
function end(works: readonly PendingRequest[], times: BatchTimes): void {
  times.size = works.length;
  times.answeredAt = performance.now();
}

/** Once the answers are on their way: nobody waits for this. */
function tellEnd(
  works: readonly PendingRequest[],
  times: BatchTimes,
  error: unknown,
  observe: CommitObserver | undefined,
): void {
  if (observe?.ended !== undefined && works.length > 0) {
    setImmediate(observe.ended, works, times, error);
  }
}

function rejectAll(works: readonly PendingRequest[], error: unknown): void {
  for (const { settle } of works) {
    settle.reject(error);
  }
}

/** What begins after its caller's deadline is not begun. */
function rejectLate(progress: BatchProgress): void {
  const now = new Date();
  const isLate = ({ request: { deadline } }: PendingRequest) => deadline !== undefined && deadline < now;
  const late = progress.requests.filter(isLate);
  if (late.length > 0) {
    rejectAll(late, new DeadlinePassedError());
    progress.requests = progress.requests.filter((work) => !isLate(work));
  }
}
