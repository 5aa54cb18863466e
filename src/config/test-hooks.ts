/** Hooks for the fault tests, outside the public configuration. */

/** Points in the write path and the Action runner at which the process may kill itself. */
const CRASH_POINTS = [
  "after-status-write",
  "before-commit",
  "after-commit",
  "after-publish",
  "before-effect",
  "after-effect",
  "before-done",
];

const CRASH_AT = "OMS_CRASH_AT";

/** The variables that are read here. */
export const HOOK_VARIABLES: readonly string[] = [CRASH_AT];

/**
 * Called at each crash point.
 *
 * @param event `<Action>:<message id>`, for a point in an Action's run
 */
export type CrashPoint = (name: string, event?: string) => void;

/**
 * Reads `OMS_CRASH_AT`: the process kills itself the first time it reaches the named point;
 * `before-effect:<Action>:<message id>` limits it to one event. Undefined in production, where a
 * commit is sent in one piece instead of steps.
 *
 * @throws Error for an unknown point
 */
export function readCrashPoint(env: Readonly<Record<string, string | undefined>>): CrashPoint | undefined {
  const crashAt = env[CRASH_AT];
  if (crashAt === undefined || crashAt === "") {
    return undefined;
  }
  if (!new RegExp(`^(${CRASH_POINTS.join("|")})(:[^:]+:[^:]+)?$`).test(crashAt)) {
    throw new Error(`${CRASH_AT}="${crashAt}" is invalid: expected one of ${CRASH_POINTS.join(", ")}`);
  }
  return (name, event) => {
    if (crashAt === name || crashAt === `${name}:${event}`) {
      process.kill(process.pid, "SIGKILL");
    }
  };
}
