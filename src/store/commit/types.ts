import type { RefusalReason } from "../../domain/decide.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import type { Status } from "../../domain/state-machine.ts";
import type { VerdictFacts } from "../../domain/verdicts.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import type { CommittedEvent, EventDeps } from "../outbox/outbox.ts";

/** Who set a change off. */
export interface Cause {
  /** The calling system. */
  readonly caller: string;
  /** The person or job it named; "" where the operation asks for none. */
  readonly operator: string;
  /** The W3C trace of the call; "" for none. */
  readonly traceparent: string;
  /** Is told where the change is on its way. */
  readonly tracker?: ChangeTracker;
}

/** Where the time of a group commit goes. Points in time are performance.now()'s, the others milliseconds. */
export interface BatchTimes {
  readonly startedAt: number;
  /** When its requests had their answers; 0 until then. */
  answeredAt: number;
  /** Requests in it. */
  size: number;
  /** How often it was tried again. */
  retries: number;
  /** Waiting for a connection, all attempts together. */
  connectMs: number;
  /** Locking and reading, in the last attempt. */
  readMs: number;
  /** Writing and committing, in the last attempt. */
  writeMs: number;
}

/** Where a change is on its way into the database. */
export interface ChangeProgress {
  /** When it was asked for, as performance.now() gives it. */
  readonly enqueuedAt: number;
  /** The group commit that it is in; undefined while it waits for one. */
  readonly batch: BatchTimes | undefined;
}

/** Whoever asks for changes: has the last of them before its eyes. */
export interface ChangeTracker {
  change?: ChangeProgress | undefined;
}

/** A change in a group commit. */
export interface BatchedChange extends ChangeProgress {
  readonly request: Pick<StatusReport, "orderId" | "cause">;
}

/** Something is said to have happened to an order (old operations 6 and 8). */
export interface StatusReport {
  readonly kind: "report";
  readonly orderId: bigint;
  readonly status: Status;
  /** See `Report` in domain/decide.ts. */
  readonly by: "report" | "operation" | "step";
  /** When it happened; the time of the commit where nobody says. */
  readonly occurTime?: Date | undefined;
  /** "" for none. A repeat with the same content gets the first answer. */
  readonly requestId: string;
  readonly remark: string;
  readonly expectedVersion?: number | undefined;
  /** Nothing changes; the answer is what would have happened. */
  readonly validateOnly: boolean;
  readonly cause: Cause;
  /** Looked at when the commit begins. */
  readonly deadline?: Date | undefined;
}

/** An order is to be held or let go (old operations 1, 2 and 4). */
export interface PauseRequest {
  readonly kind: "pause";
  readonly orderId: bigint;
  readonly paused: boolean;
  readonly reason: string;
  readonly cause: Cause;
  readonly deadline?: Date | undefined;
}

/** A report that was taken: the order's state, version and message id after it. */
export interface AcceptedReport {
  readonly kind: "taken";
  readonly outcome: "applied" | "duplicate" | "stale";
  readonly orderId: bigint;
  readonly status: number;
  readonly version: number;
  /** Of the change that brought the order there; "" for a stale report, and where the order never changed here. */
  readonly messageId: string;
}

/** What comes of a report. */
export type ReportResult =
  | AcceptedReport
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly why: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "version-mismatch"; readonly expected: number; readonly actual: number }
  | { readonly kind: "request-id-reused" }
  | { readonly kind: "not-found" };

/** What comes of a pause or a resume; `order` is the order as it was then. */
export type PauseResult =
  | { readonly kind: "not-found" }
  | { readonly kind: "paused"; readonly changed: boolean; readonly order: VerdictFacts };

/**
 * Takes changes and commits them in groups. Its promises reject with QueueFullError, DatabaseUnavailableError or
 * DeadlinePassedError.
 */
export interface Committer {
  report(report: StatusReport): Promise<ReportResult>;
  pause(request: PauseRequest): Promise<PauseResult>;
  /** Takes nothing more, finishes what was taken, closes its connections. */
  close(): Promise<void>;
}

/** Why a batch was tried again. */
export type RetryReason = "deadlock" | "lock-timeout" | "split" | "connection-lost";

/** What the metrics want to know. */
export interface CommitObserver {
  /** A batch is committed. */
  committed?(batchSize: number, durationMs: number): void;
  retried?(reason: RetryReason): void;
  /**
   * A batch is over, once the answers are on their way: all of these are committed, or none of them, for this error.
   */
  ended?(changes: readonly BatchedChange[], times: BatchTimes, error: unknown): void;
  /** So many requests wait now. */
  queued?(waiting: number): void;
}

export interface CommitterOptions extends EventDeps {
  readonly db: OrderDatabase;
  readonly kinds: OrderKinds;
  /** Hears of every batch's events once its answers are on their way, in the order of their ids. Must not throw. */
  readonly onCommitted: (events: readonly CommittedEvent[]) => void;
  /** How many batches may be under way at once; orders are spread over them by id. One makes the largest, cheapest batches. */
  readonly lanes?: number;
  /** How many requests one commit takes at most. */
  readonly maxBatch?: number;
  /** How many requests may wait; beyond it QueueFullError. */
  readonly maxQueue?: number;
  readonly observe?: CommitObserver;
  /**
   * Called with after-status-write, before-commit and after-commit, for tests that kill the server there. Leave it out in earnest:
   * with it a commit takes three round trips in place of one.
   */
  readonly crashPoint?: (name: string) => void;
}
