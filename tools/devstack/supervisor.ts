import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";
import { foldersOf } from "./data-dir.ts";
import { choosePort } from "./ports.ts";
import { identify } from "./process-id.ts";
import { runServer, type ServerKind } from "./server.ts";
import { readState, recordServer, type ServerName } from "./state.ts";

/** A server that is kept running until it is stopped. */
export interface SupervisedServer {
  readonly title: string;
  readonly url: string;
  /** Asks it to end, and kills it when it has not done so in time. */
  stop(withinMs: number): Promise<void>;
}

export interface SuperviseOptions {
  readonly dataDir: string;
  readonly name: ServerName;
  /** The program's path. */
  readonly program: string;
  readonly onProgress: (line: string) => void;
}

/** Between a server's unexpected end and its new start; doubled while it does not come up. */
const RESTART_MS = 200;
const RESTART_CAP_MS = 10_000;

/** A server that another program's port choice beat is tried again with another port. */
const PORT_TRIES = 3;

async function startOnSomePort(kind: ServerKind, options: SuperviseOptions): Promise<{ child: Child; port: number }> {
  const { dataDir, name, program } = options;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(readState(dataDir).servers[name]?.port);
    try {
      const child = await runServer(kind, { ...foldersOf(dataDir, name), port, durable: true, program });
      return { child, port };
    } catch (error) {
      if (attempt === PORT_TRIES || !/its port \d+ was taken/.test(String(error))) {
        throw error;
      }
    }
  }
}

/**
 * Starts a server on the port that it had the last time, where that is still free, and starts it again when it ends by itself.
 *
 * @throws StackError when it does not come up
 */
export async function superviseServer(kind: ServerKind, options: SuperviseOptions): Promise<SupervisedServer> {
  const { dataDir, name, program, onProgress } = options;
  const first = await startOnSomePort(kind, options);
  const { port } = first;
  const url = kind.url(port);
  const stopping = new AbortController();
  let child: Child | undefined;
  let restarting: Promise<void> | undefined;

  function watch(started: Child): void {
    child = started;
    recordServer(dataDir, name, { port, url, process: identify(started.pid) });
    started.exit.then((exit) => {
      child = undefined;
      if (!stopping.signal.aborted) {
        onProgress(`${kind.title} ended by itself (${exit.signal ?? `exit code ${exit.code}`}); starting it again …`);
        restarting = restart();
      }
    });
  }

  async function restart(): Promise<void> {
    for (let waitMs = RESTART_MS; !stopping.signal.aborted; waitMs = Math.min(2 * waitMs, RESTART_CAP_MS)) {
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      try {
        const place = { ...foldersOf(dataDir, name), port, durable: true, program };
        watch(await runServer(kind, { ...place, signal: stopping.signal }));
        onProgress(`${kind.title} is back.`);
        return;
      } catch (error) {
        if (!stopping.signal.aborted) {
          onProgress(`${(error as Error).message}\nTrying again …`);
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
      recordServer(dataDir, name, { port, url, process: undefined });
    },
  };
}
