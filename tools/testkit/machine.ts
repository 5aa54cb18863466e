import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";

/** The machine and the versions that measurements come from. */
export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  /** In GiB. */
  readonly memory: number;
  readonly kernel: string;
  /** Versions by program. */
  readonly programs: Readonly<Record<string, string>>;
}

const MARIADB = { MariaDB: "mariadbd" };
const PROGRAMS = { NATS: "nats-server", Redis: "redis-server" };

/** @param database the program of the database server, by its display name */
export function describeMachine(database: Readonly<Record<string, string>> = MARIADB): MachineDescription {
  const cores = cpus();
  return {
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memory: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release()}`,
    programs: {
      Node: process.versions.node,
      ...Object.fromEntries(
        Object.entries({ ...database, ...PROGRAMS }).map(([name, program]) => [name, versionOf(program)]),
      ),
    },
  };
}

/** The first version number in the output of `--version`. */
function versionOf(program: string): string {
  try {
    const output = execFileSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+\.\d+[\w.]*/.exec(output)?.[0] ?? "unknown";
  } catch {
    return "not on the path";
  }
}

export function formatMachine({ processor, cores, memory, kernel, programs }: MachineDescription): string {
  const versions = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  return `${processor}, ${cores} cores, ${memory} GiB, ${kernel}; ${versions.join(", ")}`;
}

interface Usage {
  /** Ticks of all cores, including idle ones. */
  readonly all: number;
  /** Ticks in which a core was busy. */
  readonly busy: number;
  /** Ticks used by this process and its descendants. */
  readonly own: number;
}

/** Parent and ticks of each process; ticks include those of children that have exited. */
function readProcesses(): Map<number, { parent: number; ticks: number }> {
  const found = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      // The command before the last parenthesis may contain anything.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, part) => sum + part, 0);
      found.set(Number(name), { parent: fields[1] ?? 0, ticks });
    } catch {
      // The process has exited meanwhile.
    }
  }
  return found;
}

function readUsage(): Usage {
  const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const all = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  const processes = readProcesses();
  const isOwn = (id: number): boolean => id === process.pid || (id > 1 && isOwn(processes.get(id)?.parent ?? 0));
  const own = [...processes].filter(([id]) => isOwn(id)).reduce((sum, [, { ticks }]) => sum + ticks, 0);
  return { all, busy: all - idle, own };
}

/**
 * Measures the load of other processes on the machine, under which results mean little. Linux only.
 *
 * @returns the share of all cores that other processes have used since this call
 */
export function watchOtherLoad(): () => number {
  const before = readUsage();
  return () => {
    const now = readUsage();
    const others = now.busy - before.busy - (now.own - before.own);
    return Math.max(0, others) / Math.max(1, now.all - before.all);
  };
}
