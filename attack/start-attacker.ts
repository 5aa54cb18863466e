import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { AttackName, AttackResult } from "./attacks/index.ts";
import { NO_EFFECT } from "./attacks/types.ts";

export interface AttackJob {
  readonly name: AttackName;
  readonly port: number;
  /** Content type of requests. */
  readonly type: string;
  /** The attacker's address: the connections of one address are limited. */
  readonly address: string;
  /** Header `authorization` of requests. */
  readonly authorization?: string | undefined;
}

/** A running attacker. */
export interface Attacker {
  readonly pid: number;
  /** Resolves once it is connected to its target. */
  readonly connected: Promise<void>;
  /** Ends the attack. An attacker that does not end in time is killed, and its result unknown. */
  stop(): Promise<AttackResult>;
  /** Ends the process at once. */
  kill(): void;
}

/** Time in which an attacker ends, in milliseconds. */
const STOP_MS = 20_000;

/** Starts an attacker as a process of its own. */
export function startAttacker(job: AttackJob): Attacker {
  const child = spawn(process.execPath, [join(import.meta.dirname, "attacker.ts"), JSON.stringify(job)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const connected = once(child.stdout, "data").then(() => {});
  const output = text(child.stdout);
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    pid: child.pid ?? 0,
    connected,
    async stop() {
      child.stdin.end();
      const timeout = setTimeout(kill, STOP_MS);
      const [, result = ""] = (await output).split("\n", 2);
      clearTimeout(timeout);
      process.off("exit", kill);
      return result === "" ? { ...NO_EFFECT, ends: { killed: 1 } } : (JSON.parse(result) as AttackResult);
    },
    kill,
  };
}
