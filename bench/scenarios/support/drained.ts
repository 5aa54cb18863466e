import { setTimeout as sleep } from "node:timers/promises";
import type { RunningSubject } from "../../environment.ts";

const LOOK_AGAIN_MS = 50;

/**
 * Seconds until nothing of what follows the commits is left to do.
 *
 * @throws Error when that takes longer than it may
 */
export async function secondsUntilDrained(running: RunningSubject, patienceSeconds = 120): Promise<number> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1_000;
  for (let open = await running.openWork(); open > 0; open = await running.openWork()) {
    if (seconds() > patienceSeconds) {
      throw new Error(`${open} runs of Actions are still open after ${patienceSeconds} s`);
    }
    await sleep(LOOK_AGAIN_MS);
  }
  return seconds();
}
