import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findStack } from "../src/stack/index.ts";

const root = join(import.meta.dirname, "..");

/** A process under load. */
export interface Running {
  readonly port: number;
  /** Resident memory in MB. */
  memory(): number;
  stop(): Promise<void>;
}

function watched(child: ChildProcess, port: number): Running {
  return {
    port,
    memory: () =>
      Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1024),
    async stop() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
    },
  };
}

export async function startNoop(): Promise<Running> {
  const child = spawn(process.execPath, [join(root, "bench", "noop.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return watched(child, Number(line));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The whole service as `npm start` runs it, durable, with servers and data of its own. */
export async function startService(): Promise<Running & { readonly mysqlUrl: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(root, "src", "main.ts")], {
    cwd: root,
    env: {
      ...process.env,
      OMS_DATA_DIR: dataDir,
      OMS_GRPC_PORT: String(grpcPort),
      OMS_HTTP_PORT: String(httpPort),
      OMS_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const isReady = () =>
    fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) {
      throw new Error(`the service ended with ${child.exitCode} before it was ready`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const running = watched(child, grpcPort);
  return {
    ...running,
    mysqlUrl: findStack(dataDir).mysqlUrl ?? "",
    async stop() {
      await running.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
