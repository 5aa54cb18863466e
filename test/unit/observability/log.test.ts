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
