import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, renameSync } from "node:fs";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server's process, started by us and ended with us. */
export interface Child {
  readonly pid: number;
  /** Settled when the process has ended. */
  readonly exit: Promise<Exit>;
  running(): boolean;
  /** Sends the signal and waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** Asks it to end (SIGTERM), and kills it when it has not done so in time. */
  stop(withinMs: number): Promise<Exit>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables for its environment, where ours does not set them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd: string;
  /** Where its output goes; that of the run before is kept as "….1". */
  readonly logFile: string;
}

const ours = new Set<ChildProcess>();

// Where the kernel does not do it (no setpriv), at least each way out that runs our code takes the servers along.
process.on("exit", () => {
  for (const child of ours) {
    child.kill("SIGKILL");
  }
});

let canDieWithParent: boolean | undefined;

/** The words to put before a command so that the kernel kills it when this process dies, however that happens. */
function dieWithParent(): readonly string[] {
  canDieWithParent ??=
    process.platform === "linux" && spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
  return canDieWithParent ? ["setpriv", "--pdeathsig", "KILL", "--"] : [];
}

function openLog(path: string): number {
  try {
    renameSync(path, `${path}.1`);
  } catch {
    // The first start has no log to keep.
  }
  return openSync(path, "a");
}

/** Starts a process in a process group of its own, so that Ctrl-C in the terminal reaches us only and we stop it in order. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [command = options.command, ...args] = [...dieWithParent(), options.command, ...options.args];
  const log = openLog(options.logFile);
  const env = { ...options.env, ...process.env };
  const child = spawn(command, args, { cwd: options.cwd, env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  ours.add(child);
  const exit = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      ours.delete(child);
      resolve({ code, signal });
    });
  });
  await new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      ours.delete(child);
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
