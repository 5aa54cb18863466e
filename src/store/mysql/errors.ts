/** More work than the committer takes: nothing was done, come back later. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("more changes are waiting than this server takes");
    this.retryAfterMs = retryAfterMs;
  }
}

/** The database cannot be reached, or is too busy to commit; whatever was under way is done whole or not at all. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  readonly retryAfterMs: number;

  constructor(cause: unknown, retryAfterMs = 1000) {
    super("the database is out of reach", { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

/** The database is not up to date, and this user may not change its tables. */
export class MigrationPermissionError extends Error {
  override readonly name = "MigrationRightsError";
  /** The steps that are not done. */
  readonly steps: readonly string[];

  constructor(steps: readonly string[], cause: unknown) {
    super("the database is not up to date, and its user may not change tables", { cause });
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
