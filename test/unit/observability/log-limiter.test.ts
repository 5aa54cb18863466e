import { expect, test } from "vitest";
import { createLogger } from "../../../src/observability/log.ts";
import { createLogLimiter } from "../../../src/observability/log-limiter.ts";

/** A limited log with a manual clock. */
function createLimitedLog(level: "info" | "debug") {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(level, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const limit = createLogLimiter(log, { message: "call", perSecond: 50, now: () => now });
  return {
    lines,
    write: (times: number, kind = "ABORTED", at: "info" | "debug" = "info") => {
      for (let index = 0; index < times; index += 1) {
        limit.write(at, kind, () => ({ kind }));
      }
    },
    advance: (ms: number) => {
      now += ms;
    },
  };
}

test("writes 50 lines per second of each kind; the next line has the number left out", () => {
  const { lines, write, advance } = createLimitedLog("info");
  write(60);
  write(1, "NOT_FOUND");
  expect(lines.map(({ kind }) => kind)).toEqual([...Array(50).fill("ABORTED"), "NOT_FOUND"]);

  advance(1_000);
  write(2);
  expect(lines.slice(51).map(({ kind, leftOut }) => [kind, leftOut])).toEqual([
    ["ABORTED", 10],
    ["ABORTED", undefined],
  ]);
});

test("does not count lines below the log level", () => {
  const { lines, write } = createLimitedLog("info");
  write(1_000, "OK", "debug");
  write(1, "OK");
  expect(lines).toHaveLength(1);
});
