import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";
import { foldersOf } from "./data-dir.ts";
import { ensurePasswords, type Passwords } from "./passwords.ts";
import { choosePort } from "./ports.ts";
import { identify } from "./process-id.ts";
import { runServer, type ServerKind } from "./server.ts";
import { readState, recordServer, type ServerName } from "./state.ts";

/** A server that is restarted whenever it ends, until it is stopped. */
export interface SupervisedServer {
  readonly title: string;
  readonly url: string;
  /** Sends SIGTERM, and SIGKILL after `withinMs`. */
  stop(withinMs: number): Promise<void>;
}

export interface SuperviseOptions {
  readonly dataDir: string;
  readonly name: ServerName;
  /** Path of the program. */
  readonly program: string;
  readonly onProgress: (line: string) => void;
}

/** Delay before a restart, in milliseconds; doubled after each failed start. */
const RESTART_MS = 200;
const RESTART_CAP_MS = 10_000;

/** Number of ports tried if another program takes the port first. */
const PORT_TRIES = 3;

async function startOnFreePort(
  kind: ServerKind,
  { dataDir, name, program }: SuperviseOptions,
  passwords: Passwords,
): Promise<{ child: Child; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(readState(dataDir).servers[name]?.port);
    try {
      const child = await runServer(kind, { ...foldersOf(dataDir, name), port, passwords, durable: true, program });
      return { child, port };
    } catch (error) {
      if (attempt === PORT_TRIES || !/its port \d+ was taken/.test(String(error))) {
        throw error;
      }
    }
  }
}

/**
 * Starts a server, if possible on its previous port, and restarts it whenever it ends.
 *
 * @throws StackError if the first start fails
 */
export async function superviseServer(kind: ServerKind, options: SuperviseOptions): Promise<SupervisedServer> {
  const { dataDir, name, program, onProgress } = options;
  const passwords = ensurePasswords(dataDir);
  const first = await startOnFreePort(kind, options, passwords);
  const { port } = first;
  const url = kind.url(port, passwords);
  const stopping = new AbortController();
  let child: Child | undefined;
  let restarting: Promise<void> | undefined;

  function watch(started: Child): void {
    child = started;
    recordServer(dataDir, name, { port, process: identify(started.pid) });
    started.exit.then((exit) => {
      child = undefined;
      if (!stopping.signal.aborted) {
        onProgress(`${kind.title} ended unexpectedly (${exit.signal ?? `exit code ${exit.code}`}); restarting it …`);
        restarting = restart();
      }
    });
  }

  async function restart(): Promise<void> {
    for (let waitMs = RESTART_MS; !stopping.signal.aborted; waitMs = Math.min(2 * waitMs, RESTART_CAP_MS)) {
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      try {
        const instance = { ...foldersOf(dataDir, name), port, passwords, durable: true, program };
        watch(await runServer(kind, { ...instance, signal: stopping.signal }));
        onProgress(`${kind.title} is running again.`);
        return;
      } catch (error) {
        if (!stopping.signal.aborted) {
          onProgress(`${(error as Error).message}\nRetrying …`);
        }
      }
    }
  }

  watch(first.child);
  return {
    title: kind.title,
    url,
    async stop(withinMs) {
      stopping.abort();
      await restarting;
      await child?.stop(withinMs);
      recordServer(dataDir, name, { port, process: undefined });
    },
  };
}
