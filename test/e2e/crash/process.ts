import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MAIN = join(import.meta.dirname, "../../../src/main.ts");

/** A service process that can be killed and restarted. */
export interface ServiceProcess {
  readonly http: string;
  readonly exited: Promise<NodeJS.Signals | number | null>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Calls an RPC with JSON over HTTP; rejects with the error's text. */
  call<Answer = Record<string, unknown>>(rpc: string, request: object): Promise<Answer>;
}

/** Starts the service, and waits until it listens and has republished the outbox. */
export async function startProcess(env: Record<string, string>): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, OMS_GRPC_PORT: "0", OMS_HTTP_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? code)),
  );
  const http = `http://127.0.0.1:${await listening(child)}`;
  return {
    http,
    exited,
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
    async call(rpc, request) {
      const answer = await fetch(`${http}/oms.orderstatus.v1.OrderStatusService/${rpc}`, {
        method: "POST",
        headers: { "content-type": "application/json", "oms-caller": "test" },
        body: JSON.stringify(request),
      });
      const text = await answer.text();
      if (!answer.ok) {
        throw new Error(`${rpc}: ${text}`);
      }
      return JSON.parse(text);
    },
  };
}

/** The HTTP port, from the log. */
async function listening(child: ChildProcess): Promise<number> {
  let output = "";
  child.stderr?.on("data", (bytes) => {
    output += bytes;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  let port: number | undefined;
  let caughtUp = false;
  for await (const line of lines) {
    output += `${line}\n`;
    caughtUp ||= line.includes("outbox republished");
    port = line.includes('"msg":"listening"') ? JSON.parse(line).http : port;
    if (port !== undefined && caughtUp) {
      child.stdout?.resume();
      return port;
    }
  }
  throw new Error(`the service did not come up:\n${output}`);
}
