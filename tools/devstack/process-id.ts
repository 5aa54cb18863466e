import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Identifies a process; a pid alone may be reused. */
export interface ProcessId {
  readonly pid: number;
  /** Boot id and start time: distinguishes processes with the same pid. */
  readonly birth: string;
}

const POLL_MS = 20;

function birthOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    return spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() || undefined;
  }
  try {
    // The second field, the name in parentheses, may contain spaces: count after it (3: state,
    // 20: threads, 22: start in ticks since boot). A zombie (Z) with remaining threads still holds
    // its ports and locks.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return fields[0] === "Z" && Number(fields[17]) <= 1 ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** Identifies the process with a pid; undefined if there is none. */
export function identify(pid: number): ProcessId | undefined {
  const birth = birthOf(pid);
  return birth === undefined ? undefined : { pid, birth };
}

/** Whether the process is running. */
export function isAlive(id: ProcessId): boolean {
  return birthOf(id.pid) === id.birth;
}

function send(id: ProcessId, signal: NodeJS.Signals): void {
  try {
    process.kill(id.pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Ends a process that is not a child: SIGTERM, then SIGKILL after `withinMs`. */
export async function endProcess(id: ProcessId, withinMs: number): Promise<void> {
  send(id, "SIGTERM");
  for (let until = Date.now() + withinMs; isAlive(id) && Date.now() < until; ) {
    await sleep(POLL_MS);
  }
  while (isAlive(id)) {
    send(id, "SIGKILL");
    await sleep(POLL_MS);
  }
}
