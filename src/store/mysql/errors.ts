/** The commit queue is full; nothing was done. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  /** Delay after which the caller should retry, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("the commit queue is full");
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The database is unreachable, or too busy to commit; the change was made completely or not at all.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  /** Delay after which the caller should retry, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(cause: unknown, retryAfterMs = 1000) {
    super("the database is unavailable", { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

/** The schema is not up to date, and the database user lacks the permission to change it. */
export class MigrationPermissionError extends Error {
  override readonly name = "MigrationPermissionError";
  /** Names of the pending migrations. */
  readonly steps: readonly string[];

  constructor(steps: readonly string[], cause: unknown) {
    super("the schema is not up to date, and the database user may not change it", { cause });
    this.steps = steps;
  }
}

/** The caller's deadline passed before the commit began: the change was not made. */
export class DeadlinePassedError extends Error {
  override readonly name = "DeadlinePassedError";

  constructor() {
    super("the deadline passed before the commit began");
  }
}
