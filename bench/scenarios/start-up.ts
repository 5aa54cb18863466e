import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { choosePort } from "../../tools/devstack/ports.ts";
import { isReady } from "../../tools/testkit/service.ts";
import type { Scenario } from "../scenario.ts";
import { medianOf } from "./support/measure.ts";

const SECOND = "second start, s";

/** Start-up time of the service with embedded backends. */
export const startUp: Scenario = {
  name: "start-up",
  title: "npm start, from command to ready",
  description:
    "Embedded backends in a new data folder: the first start initialises it, the second start uses it. Ready means that /readyz reports database, broker and Redis.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure() {
    const npm = await prepareNpmStart();
    try {
      const first = await npm.start();
      const shutdown = await npm.stop();
      const second = await npm.start();
      await npm.stop();
      return { "first start, s": first, [SECOND]: second, "shutdown, s": shutdown };
    } finally {
      await npm.remove();
    }
  },
  goals: [
    {
      text: "second npm start to ready",
      bound: "at most",
      target: 4,
      unit: "s",
      actual: (results) => medianOf(results, "service", SECOND),
    },
  ],
};

const ROOT = join(import.meta.dirname, "../..");
const POLL_MS = 20;

/** `npm start` with a data folder of its own, as a user runs it. */
interface NpmStart {
  /** Runs `npm start`. Resolves with the seconds until the service is ready. */
  start(): Promise<number>;
  /** Sends SIGINT, as Ctrl-C does. Resolves with the seconds until all processes have exited. */
  stop(): Promise<number>;
  /** Stops it and removes the data folder. */
  remove(): Promise<void>;
}

async function prepareNpmStart(): Promise<NpmStart> {
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const [grpcPort, httpPort] = [await choosePort(), await choosePort()];
  let child: ChildProcess | undefined;

  const stop = async () => {
    const begin = performance.now();
    if (child?.pid !== undefined && groupExists(child.pid)) {
      // A terminal sends SIGINT to the whole process group. npm itself exits before the service
      // does.
      process.kill(-child.pid, "SIGINT");
      while (groupExists(child.pid)) {
        await sleep(POLL_MS);
      }
    }
    child = undefined;
    return (performance.now() - begin) / 1_000;
  };

  return {
    async start() {
      const begin = performance.now();
      child = spawn("npm", ["start"], {
        cwd: ROOT,
        detached: true,
        stdio: "ignore",
        env: {
          ...process.env,
          OMS_DATA_DIR: dataDir,
          OMS_GRPC_PORT: String(grpcPort),
          OMS_HTTP_PORT: String(httpPort),
        },
      });
      while (!(await isReady(httpPort))) {
        if (child.exitCode !== null) {
          throw new Error(`npm start exited with code ${child.exitCode} before the service was ready`);
        }
        await sleep(POLL_MS);
      }
      return (performance.now() - begin) / 1_000;
    },
    stop,
    async remove() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function groupExists(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}
