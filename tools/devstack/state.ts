import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessId } from "./process-id.ts";

/** The embedded servers, by the names of their folders. */
export type ServerName = "mariadb" | "redis" | "nats" | "stub-systems";

/** What is known of one embedded server. */
export interface ServerState {
  /** Kept over a stop, so that the next start takes the same port. */
  readonly port: number;
  readonly url: string;
  /** Undefined while it is down. */
  readonly process: ProcessId | undefined;
}

/** What `<data directory>/stack.json` says: who runs there, and where. */
export interface StackState {
  /** Whose servers these are; undefined when nobody's. */
  readonly owner: (ProcessId & { readonly since: string }) | undefined;
  readonly servers: Readonly<Partial<Record<ServerName, ServerState>>>;
}

const NOTHING: StackState = { owner: undefined, servers: {} };

function fileIn(dataDir: string): string {
  return join(dataDir, "stack.json");
}

/** The state of the embedded servers of a data directory, also for other processes that look for their addresses. */
export function readState(dataDir: string): StackState {
  try {
    return { ...NOTHING, ...(JSON.parse(readFileSync(fileIn(dataDir), "utf8")) as StackState) };
  } catch {
    // Not there yet, or damaged: it holds nothing that cannot be chosen anew.
    return NOTHING;
  }
}

/** Writes it as a whole or not at all; only the owner does. */
export function changeState(dataDir: string, change: (state: StackState) => StackState): void {
  const file = fileIn(dataDir);
  writeFileSync(`${file}.new`, `${JSON.stringify(change(readState(dataDir)), null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Notes what is known now of one server. */
export function recordServer(dataDir: string, name: ServerName, server: ServerState): void {
  changeState(dataDir, (state) => ({ ...state, servers: { ...state.servers, [name]: server } }));
}
