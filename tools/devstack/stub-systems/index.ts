import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { forEachSystem, type SystemUrls } from "../../../src/integrations/systems.ts";
import { acquireDataDir } from "../data-dir.ts";
import { probe } from "../ports.ts";
import type { ServerKind } from "../server.ts";
import { superviseServer } from "../supervisor.ts";

/** The URLs of the stub systems below that of their process. */
export function stubSystemUrls(url: string): SystemUrls {
  return forEachSystem((name) => `${url}/${name}`);
}

/** The process of the stub systems, run like the other servers. */
export const stubSystems: ServerKind = {
  title: "Stub systems",
  program: "node",
  async prepare({ dir }) {
    await mkdir(dir, { recursive: true });
  },
  args: ({ port }) => [join(import.meta.dirname, "main.ts"), String(port), "received.jsonl"],
  ready: ({ port }) =>
    probe(
      port,
      (answer) => answer.toString().startsWith("HTTP/1.1 200"),
      "GET /control HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ),
  url: (port) => `http://127.0.0.1:${port}`,
  // Lines that cannot be parsed are ignored.
  damage: /$^/,
  loss: "the requests received by the stub systems are lost",
};
/** The running stub systems. */
export interface StubSystems {
  /** Base URL: a page, `/control`, `/received` and `/stock`. */
  readonly url: string;
  readonly urls: SystemUrls;
  stop(): Promise<void>;
}

const STOP_MS = 2_000;

/**
 * Starts the stub systems for development. Received requests are recorded in the data directory.
 *
 * @throws StackError
 */
export async function startStubSystems(options: {
  dataDir: string;
  onProgress: (line: string) => void;
}): Promise<StubSystems> {
  const release = await acquireDataDir(options.dataDir, options.onProgress);
  try {
    const server = await superviseServer(stubSystems, { ...options, name: "stub-systems", program: process.execPath });
    let stopping: Promise<void> | undefined;
    return {
      url: server.url,
      urls: stubSystemUrls(server.url),
      stop() {
        stopping ??= server.stop(STOP_MS).finally(release);
        return stopping;
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}
