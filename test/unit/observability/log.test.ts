import { expect, test } from "vitest";
import { createLogger } from "../../../src/observability/log.ts";

test("long texts are cut, in fields and in errors", () => {
  const lines: string[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(line) });
  const text = "x".repeat(1_000_000);
  log.info({ path: text, orderId: "7" }, "call");
  log.error({ err: new Error(text) }, "unhandled error");
  expect(lines.map((line) => line.length < 10_000)).toEqual([true, true]);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    path: `${"x".repeat(2_000)}… (1000000 characters)`,
    orderId: "7",
  });
});

test("a text cannot change the direction of a line, nor send a terminal an 8-bit control", () => {
  const lines: string[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(line) });
  log.info({ reason: "王\u202e\x9b31m", error: "two\nlines" }, "call");
  expect(lines[0]).not.toMatch(/[\u202e\x9b]/);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ reason: String.raw`王\u202e\u009b31m`, error: "two\nlines" });
});
