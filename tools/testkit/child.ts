import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { cpuSecondsOf, residentMemoryOf } from "./process-usage.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Grace period between SIGTERM and SIGKILL, in milliseconds. */
const STOP_MS = 20_000;

/** Length of the tail of standard error that is kept, in characters. */
const STDERR_TAIL = 4_000;

/** A script that runs as a process of its own. It is killed when this process exits. */
export interface Child {
  readonly pid: number;
  /** The next line of its standard output; undefined at the end. */
  line(): Promise<string | undefined>;
  /** Resident memory in MB. */
  memory(): number;
  /** Processor time so far, in seconds. */
  cpu(): number;
  /** Undefined while it runs. */
  exitCode(): number | undefined;
  /** The tail of its standard error; empty unless `output` is "discard". */
  stderr(): string;
  /** Resolves when the process has exited. */
  exited(): Promise<void>;
  /** Sends SIGTERM, then SIGKILL after a grace period, and waits for the exit. */
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
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of the repository whose script is run; this repository by default. */
  readonly root?: string;
  /**
   * Where its output goes. "lines", the default: standard output is read with `line`, standard
   * error is shown. "discard": only the tail of standard error is kept. A path: both are appended
   * to that file.
   */
  readonly output?: "lines" | "discard" | { readonly file: string };
}

/** Runs a TypeScript file of the repository, given by its path in it. */
export function startScript(
  file: string,
  { args = [], nodeFlags = [], env = {}, root = ROOT, output = "lines" }: ScriptOptions,
): Child {
  const log = typeof output === "object" ? openSync(output.file, "a") : undefined;
  const child = spawn(process.execPath, [...nodeFlags, join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: [
      "ignore",
      log ?? (output === "lines" ? "pipe" : "ignore"),
      log ?? (output === "lines" ? "inherit" : "pipe"),
    ],
  });
  if (log !== undefined) {
    closeSync(log);
  }
  children.add(child);
  const exit = once(child, "exit").finally(() => children.delete(child));
  const lines = createInterface({ input: child.stdout ?? Readable.from([]) })[Symbol.asyncIterator]();
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = `${tail}${text}`.slice(-STDERR_TAIL);
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
    stderr: () => tail,
    async exited() {
      await exit;
    },
    async stop() {
      const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      child.kill("SIGTERM");
      await exit;
      clearTimeout(force);
    },
  };
}
