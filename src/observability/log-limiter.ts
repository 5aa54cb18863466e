import type { Logger } from "./log.ts";

/**
 * A log that writes a limited number of lines per second of each kind, and counts the lines left
 * out.
 */
export interface LogLimiter {
  write(level: "debug" | "info" | "warn" | "error", kind: string, line: () => object): void;
}

/**
 * Limits log lines that calls can cause in any number. The next line written after others were left
 * out has their count in `leftOut`.
 *
 * @param message message of every line
 * @param perSecond maximum number of lines of each kind
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
