import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isReady } from "../../environment/service.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const LOOK_AGAIN_MS = 20;

/** A folder in which `npm start` is run, as a user does. */
export interface UserInstallation {
  /** Runs it; the seconds until it is ready. */
  start(): Promise<number>;
  /** Ends it as Ctrl-C does; the seconds until it has. */
  stop(): Promise<number>;
  remove(): Promise<void>;
}

export async function startAsUser(): Promise<UserInstallation> {
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  let child: ChildProcess | undefined;

  const stop = async () => {
    const begin = performance.now();
    if (child?.pid !== undefined && groupLives(child.pid)) {
      // The whole group gets it, as from a terminal. npm itself ends before the service does.
      process.kill(-child.pid, "SIGINT");
      while (groupLives(child.pid)) {
        await sleep(LOOK_AGAIN_MS);
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
          throw new Error(`npm start ended with ${child.exitCode} before it was ready`);
        }
        await sleep(LOOK_AGAIN_MS);
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

/** Whether any process of the group is left. */
function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}
