import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

test.each([
  ["src/main.ts", ["--port", "50052"], 'Unknown argument "--port": npm start takes no arguments'],
  ["tools/demo/main.ts", ["--order", "5"], "Unknown option '--order'"],
  ["tools/demo/main.ts", ["--orders", "5x"], '--orders must be an integer from 1 to 1000, got "5x"'],
  ["tools/demo/main.ts", ["--orders", "1001"], '--orders must be an integer from 1 to 1000, got "1001"'],
])("%s %j is an error that names what is accepted", (program, args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, program), ...args], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) });
});
