import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { cpuSecondsOf, residentMemoryOf } from "./process-usage.ts";

const ROOT = join(import.meta.dirname, "../..");

/** How long a process has to end in order before it is killed, in milliseconds. */
const STOP_MS = 20_000;

const SAID_CHARACTERS = 4_000;

/** A process of the benchmark's. */
export interface Child {
  readonly pid: number;
  /** The next line of its standard output; undefined when it has ended. */
  line(): Promise<string | undefined>;
  /** Resident memory in MB. */
  memory(): number;
  /** Seconds of processor time so far. */
  cpu(): number;
  /** Undefined while it runs. */
  exitCode(): number | undefined;
  /** The last of what a silent one said on its standard error. */
  said(): string;
  /** Waits until it has ended by itself. */
  end(): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) {
    child.kill("SIGKILL");
  }
});

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** For Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Nothing that it prints is read or shown, but for the last of what it says of trouble, in `said`. */
  readonly silent?: boolean;
}

/** Runs a TypeScript file of the repository as a process of its own; what it says of trouble is shown. */
export function startScript(
  file: string,
  { args = [], nodeFlags = [], env = {}, silent = false }: ScriptOptions,
): Child {
  const child = spawn(process.execPath, [...nodeFlags, join(ROOT, file), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: silent ? ["ignore", "ignore", "pipe"] : ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const ended = once(child, "exit").finally(() => children.delete(child));
  const lines = createInterface({ input: child.stdout ?? Readable.from([]) })[Symbol.asyncIterator]();
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-SAID_CHARACTERS);
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    async line() {
      const next = await lines.next();
      return next.done === true ? undefined : next.value;
    },
    memory: () => residentMemoryOf(pid),
    cpu: () => cpuSecondsOf(pid),
    exitCode: () => child.exitCode ?? (child.signalCode === null ? undefined : 1),
    said: () => said,
    async end() {
      await ended;
    },
    async stop() {
      const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(impatience);
    },
  };
}
