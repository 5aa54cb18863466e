import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "../../support/eventually.ts";

const BIN = fileURLToPath(new URL("../../../scripts/oms.mjs", import.meta.url));

/** Output and exit code of a command. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface Running {
  readonly child: ChildProcess;
  /** Output so far. */
  readonly output: { stdout: string; stderr: string };
  /** Waits until the output (default: standard output) matches, and returns it. */
  shows(pattern: RegExp, where?: "stdout" | "stderr"): Promise<string>;
  ended(): Promise<Ended>;
}

/** Options of a command run. */
export interface Call {
  /** HOST:PORT of the service. Default: none is set. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node. */
  readonly nodeArgs?: readonly string[];
}

/** Starts `oms` as a process, which is killed at the end of the test. */
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
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const close = once(child, "close");
  return {
    child,
    output,
    shows: (pattern, where = "stdout") =>
      eventually(() => {
        if (!pattern.test(output[where])) {
          throw new Error(`does not show ${pattern}: ${output.stdout}\n${output.stderr}`);
        }
        return output[where];
      }),
    async ended() {
      const [code] = await close;
      return { code, ...output };
    },
  };
}

/** Runs `oms` to its end. */
export function oms(args: readonly string[], call?: Call): Promise<Ended> {
  return startOms(args, call).ended();
}
