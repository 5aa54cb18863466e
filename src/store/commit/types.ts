import type { OrderKinds } from "../../domain/order-kinds.ts";
import type { OrderScope } from "../../domain/order-scope.ts";
import type { PauseRequest, PauseResult } from "../../domain/pause.ts";
import type { ReportResult, StatusReport } from "../../domain/status-report.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import type { CommittedEvent, EventDeps } from "../outbox/outbox.ts";
import type { ChangeOutcome, OrderChange, ReadResults } from "./order-change.ts";

/** Where a group commit spends its time. Points in time are performance.now()'s, the others ms. */
export interface BatchTimes {
  readonly startedAt: number;
  /** When its requests got their answers; 0 until then. */
  answeredAt: number;
  /** Number of requests. */
  size: number;
  /** Number of retries. */
  retries: number;
  /** Waiting for a connection, in all attempts. */
  connectMs: number;
  /** Locking and reading, in the last attempt. */
  readMs: number;
  /** Writing and committing, in the last attempt. */
  writeMs: number;
}

/** The progress of a change through the committer. */
export interface ChangeProgress {
  /** When it was queued, by performance.now(). */
  readonly enqueuedAt: number;
  /** The group commit it is in; undefined while it waits for one. */
  readonly batch: BatchTimes | undefined;
}

/** The call that a change belongs to. */
export interface CallScope {
  /** A change that has not started by then is rejected. */
  readonly deadline?: Date | undefined;
  /** The orders that it may change; others are not found. */
  readonly orderScope?: OrderScope;
  /** Set by the committer: the progress of the call's last change, for the log of slow calls. */
  change?: ChangeProgress | undefined;
}

/** A change in a group commit. */
export interface BatchedChange extends ChangeProgress {
  readonly request: Pick<StatusReport, "orderId" | "cause">;
}

/**
 * Commits changes in groups. Its promises reject with QueueFullError, DatabaseUnavailableError or
 * DeadlinePassedError.
 */
export interface Committer {
  report(report: StatusReport, call?: CallScope): Promise<ReportResult>;
  pause(request: PauseRequest, call?: CallScope): Promise<PauseResult>;
  /** Rejects with what `decide` throws, too. */
  change<Result, Results extends ReadResults>(
    change: OrderChange<Result, Results>,
    call?: CallScope,
  ): Promise<ChangeOutcome<Result>>;
  /** Rejects new requests, finishes those it has, closes its connections. */
  close(): Promise<void>;
}

/** A queued request with its caller's callbacks. */
export type PendingRequest = PendingReport | PendingPause | PendingChange;

export interface PendingReport extends Pending<ReportResult> {
  readonly request: StatusReport;
}

export interface PendingPause extends Pending<PauseResult> {
  readonly request: PauseRequest;
}

export interface PendingChange extends Pending<ChangeOutcome<unknown>> {
  readonly request: OrderChange;
}

interface Pending<Result> extends ChangeProgress {
  readonly call: CallScope;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  batch: BatchTimes | undefined;
  /** An earlier attempt was sent without an answer, and no trace of it was found. */
  resent?: boolean;
}

/** Why a batch was retried. */
export type RetryReason = "deadlock" | "lock-timeout" | "split" | "connection-lost";

/** Receives what metrics, traces and logs need. */
export interface CommitObserver {
  /** A batch is committed. */
  committed?(batchSize: number, durationMs: number): void;
  retried?(reason: RetryReason): void;
  /**
   * A batch has ended and its callers are answered: all changes are committed, or none, because of
   * `error`.
   */
  ended?(changes: readonly BatchedChange[], times: BatchTimes, error: unknown): void;
  /** The number of requests that wait now. */
  queued?(waiting: number): void;
}

export interface CommitterOptions extends EventDeps {
  readonly db: OrderDatabase;
  readonly kinds: OrderKinds;
  /**
   * Called with the events of each batch after its callers are answered, in the order of their ids.
   * Must not throw.
   */
  readonly onCommitted: (events: readonly CommittedEvent[]) => void;
  /**
   * Batches that run concurrently; orders are spread over them by id. One makes the largest,
   * cheapest batches.
   */
  readonly lanes?: number;
  /** Maximum number of requests per commit. */
  readonly maxBatch?: number;
  /** Maximum number of waiting requests; beyond it QueueFullError. */
  readonly maxQueue?: number;
  readonly observe?: CommitObserver;
  /**
   * Called with after-status-write, before-commit and after-commit, for tests that kill the server
   * there. Costs a commit two more round trips.
   */
  readonly crashPoint?: (name: string) => void;
}
