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

/** The database user lacks privileges that its tasks require. */
export class MissingPrivilegesError extends Error {
  override readonly name = "MissingPrivilegesError";
  /** For example "delete on oms_db.oms_outbox". */
  readonly privileges: readonly string[];

  constructor(privileges: readonly string[]) {
    super(`the database user lacks privileges: ${privileges.join(", ")}`);
    this.privileges = privileges;
  }
}

/** The retention job's database user cannot do its work. */
export class RetentionUserError extends Error {
  override readonly name = "RetentionUserError";

  constructor(cause: unknown) {
    super("the database user of retention cannot be used", { cause });
  }
}

/** The caller's deadline passed before the commit began: the change was not made. */
export class DeadlinePassedError extends Error {
  override readonly name = "DeadlinePassedError";

  constructor() {
    super("the deadline passed before the commit began");
  }
}

/** Kinds of a statement's failure, as far as they decide what to do next. */
export type FailureKind =
  /** The database rolled back the whole transaction. */
  | "deadlock"
  /** A row stayed locked; the transaction is still open. */
  | "lock-timeout"
  /** A unique key already has that value. */
  | "duplicate-key"
  /**
   * No connection, a lost one, or a server that accepts no work; the last statement may have been
   * executed.
   */
  | "lost"
  /** An error of the statement itself: a retry fails, too. */
  | "statement";

const FAILURE_BY_ERRNO: ReadonlyMap<number, FailureKind> = new Map([
  [1213, "deadlock"],
  [1020, "deadlock"], // MariaDB: the record has changed since it was read
  [1205, "lock-timeout"],
  [3572, "lock-timeout"],
  [1062, "duplicate-key"],
  [1040, "lost"], // too many connections
  [1203, "lost"], // too many connections of this user
  [1053, "lost"], // shutting down
  [1317, "lost"], // killed query
  [1927, "lost"], // killed connection
  [1290, "lost"], // read-only, as after a failover
  [1792, "lost"],
  [1836, "lost"],
  // Missing permissions do not change with a retry, although the driver calls these errors fatal.
  [1044, "statement"],
  [1045, "statement"],
  [1049, "statement"],
  [1698, "statement"],
]);

const LOST_CODES: ReadonlySet<unknown> = new Set([
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
]);

interface DriverError {
  readonly errno?: number;
  readonly code?: string;
  readonly fatal?: boolean;
  readonly syscall?: string;
}

/** Classifies an error of the driver. */
export function classifyFailure(error: unknown): FailureKind {
  if (error instanceof DatabaseUnavailableError) {
    return "lost";
  }
  const { errno, code, fatal, syscall } = (error ?? {}) as DriverError;
  const known = errno === undefined ? undefined : FAILURE_BY_ERRNO.get(errno);
  if (known !== undefined) {
    return known;
  }
  return fatal === true || syscall !== undefined || LOST_CODES.has(code) ? "lost" : "statement";
}
