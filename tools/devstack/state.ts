import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "./private-file.ts";
import type { ProcessId } from "./process-id.ts";

/** The embedded servers, by the names of their folders. */
export type ServerName = "mariadb" | "mysql" | "redis" | "nats" | "stub-systems";

/** State of an embedded server. */
export interface ServerState {
  /** Kept when it stops, so that the next start uses the same port. */
  readonly port: number;
  /** Undefined while it is not running. */
  readonly process: ProcessId | undefined;
}

/** Contents of `<data directory>/stack.json`. */
export interface StackState {
  /** The process that owns the servers; undefined if none does. */
  readonly owner: (ProcessId & { readonly since: string }) | undefined;
  readonly servers: Readonly<Partial<Record<ServerName, ServerState>>>;
}

const EMPTY: StackState = { owner: undefined, servers: {} };

function fileIn(dataDir: string): string {
  return join(dataDir, "stack.json");
}

/** Reads the state of the embedded servers of a data directory. */
export function readState(dataDir: string): StackState {
  try {
    return { ...EMPTY, ...(JSON.parse(readFileSync(fileIn(dataDir), "utf8")) as StackState) };
  } catch {
    // Missing or damaged: everything in it can be chosen again.
    return EMPTY;
  }
}

/** Changes the state atomically. Only for the owner. */
export function changeState(dataDir: string, change: (state: StackState) => StackState): void {
  writePrivateFile(fileIn(dataDir), `${JSON.stringify(change(readState(dataDir)), null, 2)}\n`);
}

/** Records the state of a server. */
export function recordServer(dataDir: string, name: ServerName, server: ServerState): void {
  changeState(dataDir, (state) => ({ ...state, servers: { ...state.servers, [name]: server } }));
}
