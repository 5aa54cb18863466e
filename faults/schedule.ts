/** What a run consists of. */
export interface ScheduleOptions {
  /** How long all of it may take, about; counts where the number of rounds is not given. */
  readonly minutes: number;
  readonly rounds: number | undefined;
  /** Load of a round, in milliseconds. */
  readonly roundMs: number;
  readonly recovery: boolean;
  readonly controls: boolean;
}

export interface Schedule {
  readonly rounds: number;
  /** How long it takes, about, in milliseconds. */
  readonly totalMs: number;
}

/** How many ways to build it wrong there are, and how long the load of each is, in milliseconds. */
const CONTROLS = 2;
export const CONTROL_LOAD_MS = 14_000;

/** What a load takes beside itself, about, in milliseconds: boot, last calls, drain, checks. */
const AROUND_MS = 20_000;
const RECOVERY_LOAD_MS = 34_000;

/** As many rounds as fit, and one at least. */
export function planSchedule({ minutes, rounds, roundMs, recovery, controls }: ScheduleOptions): Schedule {
  const othersMs =
    (recovery ? RECOVERY_LOAD_MS + AROUND_MS : 0) + (controls ? CONTROLS * (CONTROL_LOAD_MS + AROUND_MS) : 0);
  const each = roundMs + AROUND_MS;
  const fitting = rounds ?? Math.max(1, Math.floor((minutes * 60_000 - othersMs) / each));
  return { rounds: fitting, totalMs: othersMs + fitting * each };
}
