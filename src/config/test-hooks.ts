/** Hooks for the fault tests, outside the public configuration. */

/** Where the process may kill itself. */
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
 * Called at each crash point. @param event `<Action>:<message id>` where the point belongs to one
 */
export type CrashPoint = (name: string, event?: string) => void;

/**
 * The crash point of `OMS_CRASH_AT`: the process kills itself where it first comes to the place of
 * that name; `before-effect:<Action>:<message id>` at that event only. Undefined in production,
 * where a commit is not split into the steps between which it could be killed.
 *
 * @throws Error for an unknown place
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
