import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { eventually } from "../../support/eventually.ts";

const RUN = join(import.meta.dirname, "../../../scripts/run.mjs");

let folder: string;
let script: string;

beforeAll(() => {
  folder = mkdtempSync(join(inject("folder"), "run-"));
  script = join(folder, "script.ts");
  // Prints its pid and signals. "stubborn" ignores SIGINT; a number is the exit code.
  writeFileSync(
    script,
    `const [what = "0"]: string[] = process.argv.slice(2);
     process.on("SIGINT", () => { console.log("SIGINT"); if (what !== "stubborn") process.exit(Number(what)); });
     console.log("up", process.pid, process.version, process.env.PATH?.split("${delimiter}")[0]);
     setInterval(() => {}, 1000);`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, [RUN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const started = { child, out: "", err: "", ended: once(child, "close") };
  child.stdout.on("data", (bytes) => {
    started.out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    started.err += bytes;
  });
  return started;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("scripts/run.mjs", () => {
  it("runs the pinned Node with the packages' programs first in PATH, and returns its exit code", async () => {
    const run = start(script, "3");
    await eventually(() => expect(run.out).toContain("up"));
    run.child.kill("SIGINT");
    expect((await run.ended)[0]).toBe(3);
    expect(run.out).toMatch(/^up \d+ v24\.\d+\.\d+ .*node_modules\/\.bin\nSIGINT\n$/);
  });

  it("forwards one of the signals from terminal and npm; a later Ctrl-C kills the command", async () => {
    const run = start(script, "stubborn");
    await eventually(() => expect(run.out).toContain("up"));
    const began = performance.now();
    const pid = Number(run.out.split(" ")[1]);
    // Only while the command runs: during its own exit, Node would handle a further signal itself.
    const interrupts = setInterval(() => isRunning(pid) && run.child.kill("SIGINT"), 50);
    const [code] = await run.ended;
    clearInterval(interrupts);
    expect(performance.now() - began).toBeGreaterThan(1_000);
    expect(code).toBe(128 + 9);
    expect(run.out.split("\n").filter((line) => line === "SIGINT")).toHaveLength(1);
  });

  it("leaves no process behind when it is killed", async () => {
    const run = start(script);
    await eventually(() => expect(run.out).toContain("up"));
    const pid = Number(run.out.split(" ")[1]);
    run.child.kill("SIGKILL");
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"));
  });

  it("prints its usage", async () => {
    const run = start("serve");
    expect((await run.ended)[0]).toBe(1);
    expect(run.err).toContain("Usage: node scripts/run.mjs start|test|");
  });
});
