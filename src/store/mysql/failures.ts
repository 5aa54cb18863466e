import { DatabaseUnavailableError } from "./errors.ts";

/** What went wrong with a statement, as far as it decides what to do next. */
export type FailureKind =
  /** The database rolled the whole transaction back to let another one pass. */
  | "deadlock"
  /** A row stayed locked; the transaction is still open. */
  | "lock-timeout"
  /** A unique key has that value already. */
  | "duplicate-key"
  /** The connection is gone, was never made, or its server takes no work; what was sent last may have been done. */
  | "lost"
  /** The statement itself: the same again fails again. */
  | "statement";

const FAILURE_BY_ERRNO: ReadonlyMap<number, FailureKind> = new Map([
  [1213, "deadlock"],
  [1020, "deadlock"], // MariaDB: the record has changed since it was read
  [1205, "lock-timeout"],
  [3572, "lock-timeout"],
  [1062, "duplicate-key"],
  [1040, "lost"], // too many connections
  [1203, "lost"], // … of this user
  [1053, "lost"], // shutting down
  [1317, "lost"], // killed query
  [1927, "lost"], // killed connection
  [1290, "lost"], // read only, as after a failover
  [1792, "lost"],
  [1836, "lost"],
  // Who we are and what we may do does not change by trying again, though the driver calls these fatal.
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

/** Sorts an error of the driver. */
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
