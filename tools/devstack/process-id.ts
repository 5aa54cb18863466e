import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that can be found again: its number alone may be another's tomorrow. */
export interface ProcessId {
  readonly pid: number;
  /** Tells it from every other process that ever had this number. */
  readonly birth: string;
}

const LOOK_AGAIN_MS = 20;

function birthOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    return spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() || undefined;
  }
  try {
    // The second field is the name in brackets and may hold anything: count from behind it (3: state, 20: threads, 22: start in
    // ticks since boot). A dead process (Z) still holds its ports and locks while one of its threads is dying.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return fields[0] === "Z" && Number(fields[17]) <= 1 ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The process with that number, if there is one. */
export function identify(pid: number): ProcessId | undefined {
  const birth = birthOf(pid);
  return birth === undefined ? undefined : { pid, birth };
}

/** True while that very process runs. */
export function isAlive(id: ProcessId): boolean {
  return birthOf(id.pid) === id.birth;
}

function send(id: ProcessId, signal: NodeJS.Signals): void {
  try {
    process.kill(id.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Ends a process that is no child of ours: asks it, and kills it when it has not gone in time. */
export async function endProcess(id: ProcessId, withinMs: number): Promise<void> {
  send(id, "SIGTERM");
  for (let until = Date.now() + withinMs; isAlive(id) && Date.now() < until; ) {
    await sleep(LOOK_AGAIN_MS);
  }
  while (isAlive(id)) {
    send(id, "SIGKILL");
    await sleep(LOOK_AGAIN_MS);
  }
}
