import type { Logger } from "./log.ts";

/** A log that writes so many lines a second of each kind, and says how many it left out. */
export interface LogLimiter {
  write(level: "debug" | "info" | "warn" | "error", kind: string, line: () => object): void;
}

/**
 * Some lines a second of one kind tell what is wrong; more only take time from the calls.
 *
 * @param message of each line
 * @param perSecond lines of each kind
 */
export function createLogLimiter(
  log: Logger,
  {
    message,
    perSecond,
    now = () => performance.now(),
  }: { readonly message: string; readonly perSecond: number; readonly now?: () => number },
): LogLimiter {
  const windows = new Map<string, { until: number; written: number; leftOut: number }>();
  return {
    write(level, kind, line) {
      if (!log.isLevelEnabled(level)) {
        return;
      }
      const time = now();
      let window = windows.get(kind);
      if (window === undefined) {
        window = { until: 0, written: 0, leftOut: 0 };
        windows.set(kind, window);
      }
      if (time >= window.until) {
        window.until = time + 1000;
        window.written = 0;
      }
      if (window.written === perSecond) {
        window.leftOut += 1;
        return;
      }
      window.written += 1;
      const { leftOut } = window;
      window.leftOut = 0;
      log[level](leftOut === 0 ? line() : { ...line(), leftOut }, message);
    },
  };
}
