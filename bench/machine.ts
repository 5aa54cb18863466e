import { readdirSync, readFileSync } from "node:fs";

interface Usage {
  /** Ticks of all cores, idle ones included. */
  readonly all: number;
  /** Ticks in which a core worked for anybody. */
  readonly busy: number;
  /** Ticks in which one worked for this process or its descendants. */
  readonly ours: number;
}

/** Parent and used ticks of each process, with those of its children that have ended. */
function processes(): Map<number, { parent: number; ticks: number }> {
  const found = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      // The command before the last bracket may hold anything.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, part) => sum + part, 0);
      found.set(Number(name), { parent: fields[1] ?? 0, ticks });
    } catch {
      // It has just ended.
    }
  }
  return found;
}

function usage(): Usage {
  const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const all = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  const everybody = processes();
  const isOurs = (id: number): boolean => id === process.pid || (id > 1 && isOurs(everybody.get(id)?.parent ?? 0));
  const ours = [...everybody].filter(([id]) => isOurs(id)).reduce((sum, [, { ticks }]) => sum + ticks, 0);
  return { all, busy: all - idle, ours };
}

/**
 * Watches what the machine does beside the benchmark, whose figures mean little while others work. The function that it returns gives the
 * share of all cores that others took since. Linux only.
 */
export function watchOtherLoad(): () => number {
  const before = usage();
  return () => {
    const now = usage();
    const others = now.busy - before.busy - (now.ours - before.ours);
    return Math.max(0, others) / Math.max(1, now.all - before.all);
  };
}
