import type { SystemUrls } from "../../../src/integrations/systems.ts";
import { acquireDataDir } from "../data-dir.ts";
import { superviseServer } from "../supervisor.ts";
import { stubSystems, stubSystemUrls } from "./kind.ts";

/** The neighbours' process, running. */
export interface StubSystems {
  /** Its page, `/control` and `/received`. */
  readonly url: string;
  readonly urls: SystemUrls;
  stop(): Promise<void>;
}

const STOP_MS = 2_000;

/**
 * Starts the embedded neighbours, for development: what they get is kept in the data directory.
 *
 * @throws StackError which says what is wrong and what to do
 */
export async function startStubSystems(options: {
  dataDir: string;
  onProgress: (line: string) => void;
}): Promise<StubSystems> {
  const giveBack = await acquireDataDir(options.dataDir, options.onProgress);
  try {
    const server = await superviseServer(stubSystems, { ...options, name: "stub-systems", program: process.execPath });
    let stopping: Promise<void> | undefined;
    return {
      url: server.url,
      urls: stubSystemUrls(server.url),
      stop() {
        stopping ??= server.stop(STOP_MS).finally(giveBack);
        return stopping;
      },
    };
  } catch (error) {
    giveBack();
    throw error;
  }
}
