/** Something that a person has to put right: the message says what is wrong, and then what to do. */
export class StackError extends Error {
  override readonly name = "StackError";

  constructor(what: string, toDo: string, options?: ErrorOptions) {
    super(`${what}\n${toDo}`, options);
  }
}

/** What is known about a server that did not come up. */
export interface FailedStart {
  /** "MariaDB" and the like. */
  readonly title: string;
  readonly dir: string;
  readonly port: number;
  readonly logFile: string;
  /** What the server wrote, its end at least. */
  readonly log: string;
  /** "ended with exit code 1", "did not answer within 30 s". */
  readonly how: string;
  /** What this server's log says when its data directory is damaged. */
  readonly damage: RegExp;
  /** What is lost with its data directory. */
  readonly loss: string;
}

const PORT_IN_USE = /address already in use|another process with pid|EADDRINUSE|bind on TCP\/IP port/i;
const DISK_FULL = /no space left on device|disk (is )?full|errno: ?28\b|error 28\b|ENOSPC|disk quota exceeded/i;
const NO_RIGHT =
  /permission denied|errcode: 13\b|errno: ?13\b|EACCES|EPERM|operation not permitted|read-only file system|must be writable/i;

const LONGEST_LINE = 240;

/** Lines of its end that a person can make sense of. */
export function tail(log: string, lines = 12): string {
  return log
    .trimEnd()
    .split("\n")
    .slice(-lines)
    .map((line) => `    ${line.slice(0, LONGEST_LINE)}`)
    .join("\n");
}

/** What to say of a data directory that cannot be read. */
function damaged({ dir, loss }: Pick<FailedStart, "dir" | "loss">): { what: string; toDo: string } {
  return {
    what: `its data directory ${dir} is damaged.`,
    toDo: `Put a backup of that folder back, or remove it (${loss}) and start again: it is made anew.`,
  };
}

/** A data directory in which files are missing, seen before the server was even started. */
export function describeDamage(title: string, dir: string, loss: string): StackError {
  const { what, toDo } = damaged({ dir, loss });
  return new StackError(`${title} cannot start: ${what}`, toDo);
}

/** Why the server did not come up, and what to do about it; the end of its log and the log's path are always there. */
export function describeFailedStart(start: FailedStart): StackError {
  const { title, dir, logFile, log, how } = start;
  const evidence = `The end of its log, ${logFile}:\n${tail(log) || "    (empty)"}`;
  if (DISK_FULL.test(log)) {
    return new StackError(
      `${title} ${how}: the disk that holds ${dir} is full.`,
      `Free some space, or set OMS_DATA_DIR to a folder on another disk.\n${evidence}`,
    );
  }
  if (PORT_IN_USE.test(log)) {
    return new StackError(
      `${title} ${how}: its port ${start.port} was taken by another program meanwhile.`,
      `Start again: another free port is chosen then.\n${evidence}`,
    );
  }
  if (NO_RIGHT.test(log)) {
    return new StackError(
      `${title} ${how}: it may not read or write something that it needs, most likely in ${dir}.`,
      `Make that folder this user's own (sudo chown -R "$(id -un)" ${dir}), or set OMS_DATA_DIR to another folder.\n${evidence}`,
    );
  }
  if (start.damage.test(log)) {
    const { what, toDo } = damaged(start);
    return new StackError(`${title} ${how}: ${what}`, `${toDo}\n${evidence}`);
  }
  return new StackError(
    `${title} ${how}.`,
    `If its log does not say what to do: remove ${dir} (${start.loss}) and start again.\n${evidence}`,
  );
}

/** An error of the file system while a data directory was made or written, in the words of a person who has to put it right. */
export function describeFileError(path: string, error: unknown): StackError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  const cause = { cause: error };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new StackError(
      `The disk that holds ${path} is full.`,
      "Free some space, or set OMS_DATA_DIR to a folder on another disk.",
      cause,
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new StackError(
      `This user may not write to ${path}.`,
      "Make that folder this user's own, or set OMS_DATA_DIR to a folder that this user may write to.",
      cause,
    );
  }
  if (code === "ENOTDIR" || code === "EEXIST") {
    return new StackError(
      `${path} is, or lies below, a file where a folder is needed.`,
      "Move that file away, or set OMS_DATA_DIR to another folder.",
      cause,
    );
  }
  return new StackError(
    `${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    "Set OMS_DATA_DIR to a folder that this user may write to.",
    cause,
  );
}
