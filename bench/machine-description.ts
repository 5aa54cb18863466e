import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";

/** On what the figures were got, and with which versions. */
export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  /** In GiB. */
  readonly memory: number;
  readonly kernel: string;
  /** Versions by program. */
  readonly programs: Readonly<Record<string, string>>;
}

const PROGRAMS = { MariaDB: "mariadbd", NATS: "nats-server", Redis: "redis-server" };

export function describeMachine(): MachineDescription {
  const cores = cpus();
  return {
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memory: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release()}`,
    programs: {
      Node: process.versions.node,
      ...Object.fromEntries(Object.entries(PROGRAMS).map(([name, program]) => [name, versionOf(program)])),
    },
  };
}

/** The first thing in what it says of itself that looks like a version. */
function versionOf(program: string): string {
  try {
    const said = execFileSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+\.\d+[\w.]*/.exec(said)?.[0] ?? "unknown";
  } catch {
    return "not on the path";
  }
}

/** In one line, for people. */
export function formatMachine({ processor, cores, memory, kernel, programs }: MachineDescription): string {
  const versions = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  return `${processor}, ${cores} cores, ${memory} GiB, ${kernel}; ${versions.join(", ")}`;
}
