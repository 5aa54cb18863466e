import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";

const BIN = fileURLToPath(new URL("../../../scripts/oms.mjs", import.meta.url));

/** What a command said, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: { stdout: string; stderr: string };
  /** Waits until what it said (to standard output, unless told) fits, and gives it. */
  shows(pattern: RegExp, where?: "stdout" | "stderr"): Promise<string>;
  ended(): Promise<Ended>;
}

/** How a command is called. */
export interface Call {
  /** HOST:PORT of the service; none: its default, which the environment of the test says nothing of. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node's own. */
  readonly nodeArgs?: readonly string[];
}

/** Starts the real `oms` as a process of its own; it is ended with the test. */
export function startOms(args: readonly string[], { server, env, nodeArgs = [] }: Call = {}): Running {
  const {
    FORCE_COLOR: _,
    NO_COLOR: __,
    COLUMNS: ___,
    ...rest
  } = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OMS_")));
  const child = spawn(process.execPath, [...nodeArgs, BIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...rest, TZ: "Asia/Shanghai", ...(server !== undefined && { OMS_SERVER: server }), ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const close = once(child, "close");
  return {
    child,
    said,
    shows: (pattern, where = "stdout") =>
      vi.waitFor(
        () => {
          if (!pattern.test(said[where])) {
            throw new Error(`does not show ${pattern}: ${said.stdout}\n${said.stderr}`);
          }
          return said[where];
        },
        { timeout: 15_000, interval: 20 },
      ),
    async ended() {
      const [code] = await close;
      return { code, ...said };
    },
  };
}

/** Runs it to its end. */
export function oms(args: readonly string[], call?: Call): Promise<Ended> {
  return startOms(args, call).ended();
}
