import { accessSync, constants, existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { endProcess, identify, isAlive } from "./process-id.ts";
import { describeFileError, StackError } from "./startup-errors.ts";
import { changeState, readState, type ServerName } from "./state.ts";

/** What the servers' files take when they are made, with room for the demo; and what a later start may still fill. */
const NEEDED_MIB = { first: 640, later: 64 };

/** How long what an earlier run left behind has to end by itself. */
const LEFT_OVER_MS = 5_000;

type Say = (line: string) => void;

/** The data directories that this process holds, with the number of its users. */
const held = new Map<string, { lock: DatabaseSync; users: number }>();

/** A killed process may hold its files a moment longer than it takes its servers to die. */
const DYING_MS = 2_000;

function heldByOther(dataDir: string): StackError {
  const { owner } = readState(dataDir);
  const who = owner === undefined ? "another process" : `process ${owner.pid}, since ${owner.since}`;
  const how = owner === undefined ? "" : ` (Ctrl-C in its terminal, or kill ${owner.pid})`;
  return new StackError(
    `The data directory ${dataDir} is in use by another run: ${who}.`,
    `Stop that run first${how}, or set OMS_DATA_DIR to another folder and OMS_GRPC_PORT and OMS_HTTP_PORT to other ports.`,
  );
}

/** Node has no file lock of its own, but SQLite's are the system's: they cannot be held twice, and end with the process however it ends. */
function lock(dataDir: string): DatabaseSync {
  const file = join(dataDir, "stack.lock");
  const { owner } = readState(dataDir);
  const database = new DatabaseSync(file, { timeout: owner !== undefined && isAlive(owner) ? 0 : DYING_MS });
  try {
    database.exec("begin exclusive");
    return database;
  } catch (error) {
    database.close();
    if (/not a database/.test(String(error))) {
      // Nobody ever writes into it, so nothing is lost with it.
      rmSync(file);
      return lock(dataDir);
    }
    throw /locked/.test(String(error)) ? heldByOther(dataDir) : describeFileError(file, error);
  }
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw describeFileError(dataDir, error);
  }
  const { bavail, bsize } = statfsSync(dataDir);
  const freeMib = Math.floor((bavail * bsize) / 1024 / 1024);
  const neededMib = existsSync(join(dataDir, "mariadb")) ? NEEDED_MIB.later : NEEDED_MIB.first;
  if (freeMib < neededMib) {
    throw new StackError(
      `The disk that holds ${dataDir} has only ${freeMib} MiB left; the embedded servers need ${neededMib} MiB.`,
      "Free some space, or set OMS_DATA_DIR to a folder on another disk.",
    );
  }
}

/** Where servers are not killed together with their parent, a killed run leaves them behind, and they hold the files. */
async function endLeftOvers(dataDir: string, say: Say): Promise<void> {
  for (const [name, server] of Object.entries(readState(dataDir).servers)) {
    if (server.process !== undefined && isAlive(server.process)) {
      say(`Stopping ${name} (process ${server.process.pid}), left behind by a run that was killed …`);
      await endProcess(server.process, LEFT_OVER_MS);
    }
  }
}

/**
 * Takes the data directory for this process: makes it, locks it, ends what an earlier run left behind. A process may take it
 * several times; it is free again when each has been given back.
 *
 * @returns gives it back
 * @throws StackError when another process holds it, the disk is full, or this user may not write there
 */
export async function acquireDataDir(dataDir: string, say: Say): Promise<() => void> {
  const mine = held.get(dataDir);
  if (mine !== undefined) {
    mine.users++;
  } else {
    makeFolder(dataDir);
    held.set(dataDir, { lock: lock(dataDir), users: 1 });
    await endLeftOvers(dataDir, say);
    const me = identify(process.pid);
    changeState(dataDir, (state) => ({
      ...state,
      owner: me === undefined ? undefined : { ...me, since: new Date().toISOString() },
    }));
  }
  let mineToGive = true;
  return () => {
    const holding = held.get(dataDir);
    if (!mineToGive || holding === undefined) {
      return;
    }
    mineToGive = false;
    if (--holding.users === 0) {
      changeState(dataDir, (state) => ({ ...state, owner: undefined }));
      holding.lock.close();
      held.delete(dataDir);
    }
  };
}

/** Where one server has its data and its log. */
export function foldersOf(dataDir: string, name: ServerName): { dir: string; logFile: string } {
  return { dir: join(dataDir, name), logFile: join(dataDir, "log", `${name}.log`) };
}
