import { classifyFailure, DatabaseUnavailableError, DeadlinePassedError, type FailureKind } from "../mysql/errors.ts";
import { waitBeforeRetry } from "../mysql/transaction.ts";
import { attempt, type BatchProgress, type CommittedBatch, resolveUnanswered } from "./attempt.ts";
import { type Connector, connectWithin } from "./connector.ts";
import type { BatchTimes, CommitObserver, CommitterOptions, PendingRequest, RetryReason } from "./types.ts";

/** Attempts per kind of failure; then the batch is split, or a single request rejected. */
const MAX_FAILURES: Readonly<Record<FailureKind, number>> = {
  deadlock: 8,
  "duplicate-key": 8,
  "lock-timeout": 3,
  lost: 3,
  statement: 1,
};

const RETRY_REASONS: Readonly<Record<FailureKind, RetryReason>> = {
  deadlock: "deadlock",
  // Two batches with the same request id: the next attempt of the second one finds it.
  "duplicate-key": "deadlock",
  "lock-timeout": "lock-timeout",
  lost: "connection-lost",
  statement: "split",
};

/** How long a batch waits for an unreachable database, in ms. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * The same for a batch that was sent without an answer, whose callers would not know its outcome.
 */
const UNANSWERED_TIMEOUT_MS = 10_000;

/** Where a batch runs. */
export interface BatchContext {
  readonly options: CommitterOptions;
  readonly connector: Connector;
  /** Waits for rows that others have locked; otherwise their requests are deferred. */
  readonly waitForLocks: boolean;
  /** Takes over the requests whose orders others have locked. */
  readonly defer: (requests: readonly PendingRequest[]) => void;
  /** The database stays unavailable: rejects what waits for this lane. */
  readonly onUnavailable: (error: unknown) => void;
}

/**
 * Completes a batch: when the promise resolves, each of its requests is answered or deferred. The
 * transaction is retried as a whole after a deadlock, a lock timeout or a lost connection; a batch
 * that still fails is split in halves, until each failing request fails alone. Never rejects.
 */
export async function runBatch(
  batch: readonly PendingRequest[],
  context: BatchContext,
  soFar: BatchTimes = newTimes(),
): Promise<void> {
  const { observe } = context.options;
  const times = { ...soFar, size: batch.length };
  const progress: BatchProgress = { requests: batch, unanswered: undefined, times };
  for (const pending of batch) {
    pending.batch = times;
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
    // After a lock timeout, what is still locked is deferred, so that the others do not wait
    // longer.
    const waitForLocks = context.waitForLocks && failures["lock-timeout"] === 0;
    const outcome = await tryOnce(progress, { ...context, waitForLocks });
    if (outcome.kind === "committed") {
      resolveCallers(progress, outcome, context.options);
      return;
    }
    const { failure, error } = outcome;
    if (progress.unanswered !== undefined) {
      const found = await waitForOutcome(progress, context);
      if (found.kind === "committed") {
        resolveCallers(progress, found, context.options);
        return;
      }
      if (found.kind === "unavailable") {
        rejectUnavailable(progress, found.error, context);
        return;
      }
      progress.unanswered = undefined;
      for (const pending of progress.requests) {
        pending.resent = true;
      }
    }
    if (failure === "unavailable") {
      rejectUnavailable(progress, error, context);
      return;
    }
    failures[failure] += 1;
    times.retries += 1;
    if (failures[failure] < MAX_FAILURES[failure]) {
      observe?.retried?.(RETRY_REASONS[failure]);
      await waitBeforeRetry(failures[failure]);
    } else if (progress.requests.length > 1) {
      observe?.retried?.("split");
      const middle = Math.ceil(progress.requests.length / 2);
      await runBatch(progress.requests.slice(0, middle), context, times);
      await runBatch(progress.requests.slice(middle), context, times);
      return;
    } else {
      rejectCallers(progress, failure === "statement" ? error : new DatabaseUnavailableError(error), observe);
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
): Promise<Done | { readonly kind: "failed"; readonly failure: FailureKind | "unavailable"; readonly error: unknown }> {
  const requestedAt = performance.now();
  const connection = await connectWithin(context.connector, CONNECT_TIMEOUT_MS);
  const startedAt = performance.now();
  progress.times.connectMs += startedAt - requestedAt;
  if (connection.kind === "unavailable") {
    return { kind: "failed", failure: "unavailable", error: connection.error };
  }
  try {
    const committed = await attempt(progress, connection.connected, context);
    return { kind: "committed", committed, durationMs: performance.now() - startedAt };
  } catch (error) {
    const failure = classifyFailure(error);
    if (failure !== "lost") {
      // After a lock timeout, for example, the transaction is still open. If this fails too, the
      // session drops the connection and the transaction with it.
      await connection.connected.session.send(["rollback"]).catch(() => {});
    }
    return { kind: "failed", failure, error };
  }
}

/**
 * Finds out whether a batch without an answer was committed. Requests behind it wait no longer than
 * usual.
 */
async function waitForOutcome(
  progress: BatchProgress,
  { connector, onUnavailable }: BatchContext,
): Promise<Done | { readonly kind: "not-committed" } | { readonly kind: "unavailable"; readonly error: unknown }> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries += 1) {
    const connection = await connectWithin(connector, CONNECT_TIMEOUT_MS);
    let lastError: unknown;
    if (connection.kind === "connected") {
      try {
        const committed = await resolveUnanswered(progress, connection.connected);
        return committed === undefined
          ? { kind: "not-committed" }
          : { kind: "committed", committed, durationMs: performance.now() - startedAt };
      } catch (error) {
        lastError = error;
        await connection.connected.session.send(["rollback"]).catch(() => {});
      }
    } else {
      lastError = connection.error;
      onUnavailable(lastError);
    }
    if (performance.now() - startedAt > UNANSWERED_TIMEOUT_MS) {
      return { kind: "unavailable", error: new DatabaseUnavailableError(lastError) };
    }
    await waitBeforeRetry(Math.min(tries, 5));
  }
}

function resolveCallers(
  { requests, times }: BatchProgress,
  { committed, durationMs }: Done,
  { observe, onCommitted }: CommitterOptions,
): void {
  setEnd(requests, times);
  if (requests.length > 0) {
    observe?.committed?.(requests.length, durationMs);
  }
  for (const settle of committed.settleCallbacks) {
    settle();
  }
  reportEnd(requests, times, undefined, observe);
  if (committed.events.length > 0) {
    // After the callers are answered: no caller waits for what follows.
    setImmediate(onCommitted, committed.events);
  }
}

function rejectUnavailable(progress: BatchProgress, error: unknown, { onUnavailable, options }: BatchContext): void {
  rejectCallers(progress, error, options.observe);
  onUnavailable(error);
}

function rejectCallers({ requests, times }: BatchProgress, error: unknown, observe: CommitObserver | undefined): void {
  setEnd(requests, times);
  for (const { reject } of requests) {
    reject(error);
  }
  reportEnd(requests, times, error, observe);
}

function newTimes(): BatchTimes {
  const startedAt = performance.now();
  return { startedAt, answeredAt: 0, size: 0, retries: 0, connectMs: 0, readMs: 0, writeMs: 0 };
}

/** The size changes when requests were deferred or late. */
function setEnd(requests: readonly PendingRequest[], times: BatchTimes): void {
  times.size = requests.length;
  times.answeredAt = performance.now();
}

/** After the callers are answered: no caller waits for this. */
function reportEnd(
  requests: readonly PendingRequest[],
  times: BatchTimes,
  error: unknown,
  observe: CommitObserver | undefined,
): void {
  if (observe?.ended !== undefined && requests.length > 0) {
    setImmediate(observe.ended, requests, times, error);
  }
}

/** Rejects the requests whose deadline has passed before they started. */
function rejectLate(progress: BatchProgress): void {
  const now = new Date();
  const isLate = ({ call: { deadline } }: PendingRequest) => deadline !== undefined && deadline < now;
  const late = progress.requests.filter(isLate);
  if (late.length > 0) {
    for (const { reject } of late) {
      reject(new DeadlinePassedError());
    }
    progress.requests = progress.requests.filter((pending) => !isLate(pending));
  }
}
