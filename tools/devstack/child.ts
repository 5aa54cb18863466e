import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, renameSync } from "node:fs";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that ends with this process. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly exit: Promise<Exit>;
  running(): boolean;
  /** Sends the signal and waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** Sends SIGTERM, and SIGKILL after `withinMs`. */
  stop(withinMs: number): Promise<Exit>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Environment variables; those of this process take precedence. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd: string;
  /** File for its output. The previous file is kept with the suffix ".1". */
  readonly logFile: string;
}

const children = new Set<ChildProcess>();

// Without setpriv, children are killed at least on a regular exit of this process.
process.on("exit", () => {
  for (const child of children) {
    child.kill("SIGKILL");
  }
});

let canDieWithParent: boolean | undefined;

/** Command prefix that makes the kernel kill the child when this process dies. */
function dieWithParent(): readonly string[] {
  canDieWithParent ??=
    process.platform === "linux" && spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
  return canDieWithParent ? ["setpriv", "--pdeathsig", "KILL", "--"] : [];
}

function openLog(path: string): number {
  try {
    renameSync(path, `${path}.1`);
  } catch {
    // No previous log.
  }
  return openSync(path, "a");
}

/**
 * Starts a process in its own process group: Ctrl-C reaches only this process, which stops the
 * child.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [command = options.command, ...args] = [...dieWithParent(), options.command, ...options.args];
  const log = openLog(options.logFile);
  const env = { ...options.env, ...process.env };
  const child = spawn(command, args, { cwd: options.cwd, env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  children.add(child);
  const exit = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  await new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      children.delete(child);
      reject(error);
    });
  });
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exit;
  };
  return {
    pid: child.pid as number,
    exit,
    running: () => child.exitCode === null && child.signalCode === null,
    kill,
    async stop(withinMs) {
      const force = setTimeout(() => child.kill("SIGKILL"), withinMs);
      try {
        return await kill("SIGTERM");
      } finally {
        clearTimeout(force);
      }
    },
  };
}
