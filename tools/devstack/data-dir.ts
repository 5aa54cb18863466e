import { accessSync, chmodSync, constants, existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { endProcess, identify, isAlive } from "./process-id.ts";
import { describeFileError, StackError } from "./startup-errors.ts";
import { changeState, readState, type ServerName } from "./state.ts";

/** Free disk space required at the first and at later starts, in MiB. */
const NEEDED_MIB = { first: 640, later: 64 };

/** Grace period for servers left behind by an earlier run, in milliseconds. */
const STOP_LEFTOVER_MS = 5_000;

type OnProgress = (line: string) => void;

/** The data directories locked by this process, with the number of users. */
const locked = new Map<string, { lock: DatabaseSync; users: number }>();

const LOCK_FILE = "stack.lock";

/** Wait for the lock of an owner that is exiting, in milliseconds. */
const LOCK_WAIT_MS = 2_000;

function inUseError(dataDir: string): StackError {
  const { owner } = readState(dataDir);
  const who = owner === undefined ? "another process" : `process ${owner.pid} since ${owner.since}`;
  const how = owner === undefined ? "" : ` (Ctrl-C in its terminal, or kill ${owner.pid})`;
  return new StackError(
    `The data directory ${dataDir} is in use by ${who}.`,
    `Stop that process${how}, or set OMS_DATA_DIR, OMS_GRPC_PORT and OMS_HTTP_PORT to other values.`,
  );
}

/**
 * Locks the directory with an SQLite lock: Node has no file locks, and SQLite's end with the
 * process.
 */
function lock(dataDir: string): DatabaseSync {
  const file = join(dataDir, LOCK_FILE);
  const { owner } = readState(dataDir);
  const database = new DatabaseSync(file, { timeout: owner !== undefined && isAlive(owner) ? 0 : LOCK_WAIT_MS });
  try {
    database.exec("begin exclusive");
    return database;
  } catch (error) {
    database.close();
    if (/not a database/.test(String(error))) {
      // The file has no content worth keeping.
      rmSync(file);
      return lock(dataDir);
    }
    throw /locked/.test(String(error)) ? inUseError(dataDir) : describeFileError(file, error);
  }
}

function createFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    // Created by an earlier version. Any other existing folder may have further purposes; what is
    // put into it is private itself.
    if (existsSync(join(dataDir, LOCK_FILE))) {
      chmodSync(dataDir, 0o700);
    }
  } catch (error) {
    throw describeFileError(dataDir, error);
  }
  const { bavail, bsize } = statfsSync(dataDir);
  const freeMib = Math.floor((bavail * bsize) / 1024 / 1024);
  const neededMib = existsSync(join(dataDir, "mariadb")) ? NEEDED_MIB.later : NEEDED_MIB.first;
  if (freeMib < neededMib) {
    throw new StackError(
      `The disk that holds ${dataDir} has ${freeMib} MiB free; the embedded servers require ${neededMib} MiB.`,
      "Free disk space, or set OMS_DATA_DIR to a folder on another disk.",
    );
  }
}

/** Stops servers left behind by a killed run, which lock the files. Only without setpriv. */
async function stopLeftovers(dataDir: string, onProgress: OnProgress): Promise<void> {
  for (const [name, server] of Object.entries(readState(dataDir).servers)) {
    if (server.process !== undefined && isAlive(server.process)) {
      onProgress(`Stopping ${name} (process ${server.process.pid}), left over from a killed run …`);
      await endProcess(server.process, STOP_LEFTOVER_MS);
    }
  }
}

/**
 * Acquires the data directory for this process: creates and locks it, and stops servers left behind
 * by an earlier run. A process may acquire it several times.
 *
 * @returns function that releases it
 * @throws StackError if it is in use, the disk is full, or it is not writable
 */
export async function acquireDataDir(dataDir: string, onProgress: OnProgress): Promise<() => void> {
  const own = locked.get(dataDir);
  if (own !== undefined) {
    own.users++;
  } else {
    createFolder(dataDir);
    locked.set(dataDir, { lock: lock(dataDir), users: 1 });
    await stopLeftovers(dataDir, onProgress);
    const me = identify(process.pid);
    changeState(dataDir, (state) => ({
      ...state,
      owner: me === undefined ? undefined : { ...me, since: new Date().toISOString() },
    }));
  }
  let acquired = true;
  return () => {
    const current = locked.get(dataDir);
    if (!acquired || current === undefined) {
      return;
    }
    acquired = false;
    if (--current.users === 0) {
      changeState(dataDir, (state) => ({ ...state, owner: undefined }));
      current.lock.close();
      locked.delete(dataDir);
    }
  };
}

/** Data directory and log file of a server. */
export function foldersOf(dataDir: string, name: ServerName): { dir: string; logFile: string } {
  return { dir: join(dataDir, name), logFile: join(dataDir, "log", `${name}.log`) };
}
