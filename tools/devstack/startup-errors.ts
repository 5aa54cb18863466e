/** A problem that the user has to fix. The message has what failed, and what to do. */
export class StackError extends Error {
  override readonly name = "StackError";

  constructor(what: string, toDo: string, options?: ErrorOptions) {
    super(`${what}\n${toDo}`, options);
  }
}

/** Facts about a failed start of a server. */
export interface FailedStart {
  /** Display name, such as "MariaDB". */
  readonly title: string;
  readonly dir: string;
  readonly port: number;
  readonly logFile: string;
  /** Log of the server, at least its end. */
  readonly log: string;
  /** "exited during startup with code 1", "did not answer within 30 s". */
  readonly how: string;
  /** Matches the log if the data directory is damaged. */
  readonly damage: RegExp;
  /** What is lost if the data directory is removed. */
  readonly loss: string;
}

const PORT_IN_USE = /address already in use|another process with pid|EADDRINUSE|bind on TCP\/IP port/i;
const DISK_FULL = /no space left on device|disk (is )?full|errno: ?28\b|error 28\b|ENOSPC|disk quota exceeded/i;
const NO_PERMISSION =
  /permission denied|errcode: 13\b|errno: ?13\b|EACCES|EPERM|operation not permitted|read-only file system|must be writable/i;

const MAX_LINE_LENGTH = 240;

/** The last lines of a log, indented. */
export function tail(log: string, lines = 12): string {
  return log
    .trimEnd()
    .split("\n")
    .slice(-lines)
    .map((line) => `    ${line.slice(0, MAX_LINE_LENGTH)}`)
    .join("\n");
}

/** Message for a damaged data directory. */
function damaged({ dir, loss }: Pick<FailedStart, "dir" | "loss">): { what: string; toDo: string } {
  return {
    what: `its data directory ${dir} is damaged.`,
    toDo: `Restore that folder from a backup, or remove it (${loss}) and start again.`,
  };
}

/** Describes a data directory with missing files, detected before the start. */
export function describeDamage(title: string, dir: string, loss: string): StackError {
  const { what, toDo } = damaged({ dir, loss });
  return new StackError(`${title} cannot start: ${what}`, toDo);
}

/** Describes why a server did not start and what to do, with the end of its log. */
export function describeFailedStart(start: FailedStart): StackError {
  const { title, dir, logFile, log, how } = start;
  const evidence = `End of its log ${logFile}:\n${tail(log) || "    (empty)"}`;
  if (DISK_FULL.test(log)) {
    return new StackError(
      `${title} ${how}: the disk that holds ${dir} is full.`,
      `Free disk space, or set OMS_DATA_DIR to a folder on another disk.\n${evidence}`,
    );
  }
  if (PORT_IN_USE.test(log)) {
    return new StackError(
      `${title} ${how}: its port ${start.port} was taken by another program.`,
      `Start again: another free port will be chosen.\n${evidence}`,
    );
  }
  if (NO_PERMISSION.test(log)) {
    return new StackError(
      `${title} ${how}: it lacks a permission, probably in ${dir}.`,
      `Change the owner of that folder (sudo chown -R "$(id -un)" ${dir}), or set OMS_DATA_DIR to another folder.\n${evidence}`,
    );
  }
  if (start.damage.test(log)) {
    const { what, toDo } = damaged(start);
    return new StackError(`${title} ${how}: ${what}`, `${toDo}\n${evidence}`);
  }
  return new StackError(
    `${title} ${how}.`,
    `See its log. If that does not help, remove ${dir} (${start.loss}) and start again.\n${evidence}`,
  );
}

/** Describes a file system error in a data directory. */
export function describeFileError(path: string, error: unknown): StackError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  const cause = { cause: error };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new StackError(
      `The disk that holds ${path} is full.`,
      "Free disk space, or set OMS_DATA_DIR to a folder on another disk.",
      cause,
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new StackError(
      `No permission to write to ${path}.`,
      "Change the owner of that folder, or set OMS_DATA_DIR to a writable folder.",
      cause,
    );
  }
  if (code === "ENOTDIR" || code === "EEXIST") {
    return new StackError(
      `${path} is not a folder, or is below a file.`,
      "Move that file, or set OMS_DATA_DIR to another folder.",
      cause,
    );
  }
  return new StackError(
    `${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    "Set OMS_DATA_DIR to a writable folder.",
    cause,
  );
}
