import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { CLOCK_FILE } from "../../../faults/cluster/service.ts";

const CLOCK = join(import.meta.dirname, "../../../faults/cluster/skewed-clock.mjs");
const HOUR_MS = 3_600_000;

/** Prints the time by each API every 20 ms, and whether dates otherwise work as usual. */
const PROGRAM = `
const sane = () =>
  new Date(5).getTime() === 5 && new Date(2026, 0).getMonth() === 0 && Date.UTC(1970, 0) === 0 &&
  new Date() instanceof Date && typeof Date() === "string";
const print = () => console.log(JSON.stringify({ now: Date.now(), fresh: new Date().getTime(), text: Date.parse(Date()), steady: performance.now(), sane: sane() }));
setInterval(print, 20);
`;

interface Times {
  readonly now: number;
  readonly fresh: number;
  readonly text: number;
  readonly steady: number;
  readonly sane: boolean;
}

test("shifts the wall clock of a process, and nothing else about time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "oms-clock-"));
  const child = spawn(process.execPath, [`--import=${CLOCK}`, "--eval", PROGRAM], { cwd: folder });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let steady = 0;
  /** Waits until the clock is ahead by this offset, with a tolerance of a minute. */
  const isAhead = async (offset: number) => {
    for (;;) {
      const { value, done } = await lines.next();
      expect(done).toBe(false);
      const times = JSON.parse(String(value)) as Times;
      expect(times.sane).toBe(true);
      expect(times.steady - steady).toBeLessThan(HOUR_MS / 2);
      steady = times.steady;
      if ([times.now, times.fresh, times.text].every((time) => Math.abs(time - Date.now() - offset) < 60_000)) {
        return;
      }
    }
  };
  await isAhead(0);
  for (const offset of [HOUR_MS, -HOUR_MS, 0]) {
    await writeFile(join(folder, CLOCK_FILE), String(offset));
    await isAhead(offset);
  }
});
