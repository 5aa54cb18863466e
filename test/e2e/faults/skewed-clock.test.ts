import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { CLOCK_FILE } from "../../../faults/cluster/service-kind.ts";

const CLOCK = join(import.meta.dirname, "../../../faults/cluster/skewed-clock.mjs");
const HOUR_MS = 3_600_000;

/** Says every 20 ms how late it is by each way to ask, and whether dates are still what they were. */
const PROGRAM = `
const sane = () =>
  new Date(5).getTime() === 5 && new Date(2026, 0).getMonth() === 0 && Date.UTC(1970, 0) === 0 &&
  new Date() instanceof Date && typeof Date() === "string";
const say = () => console.log(JSON.stringify({ now: Date.now(), fresh: new Date().getTime(), text: Date.parse(Date()), steady: performance.now(), sane: sane() }));
setInterval(say, 20);
`;

interface Said {
  readonly now: number;
  readonly fresh: number;
  readonly text: number;
  readonly steady: number;
  readonly sane: boolean;
}

test("the wall clock of a process jumps, and jumps back; nothing else about time changes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "oms-clock-"));
  const child = spawn(process.execPath, [`--import=${CLOCK}`, "--eval", PROGRAM], { cwd: folder });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let steady = 0;
  /** Waits until it is ahead by so much, within a minute. */
  const isAhead = async (offset: number) => {
    for (;;) {
      const { value, done } = await lines.next();
      expect(done).toBe(false);
      const said = JSON.parse(String(value)) as Said;
      expect(said.sane).toBe(true);
      expect(said.steady - steady).toBeLessThan(HOUR_MS / 2);
      steady = said.steady;
      if ([said.now, said.fresh, said.text].every((time) => Math.abs(time - Date.now() - offset) < 60_000)) {
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
