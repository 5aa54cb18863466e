import { takeDataDir } from "../data-dir.ts";
import { keepServer } from "../keep.ts";
import { type NeighbourUrls, neighbours, neighbourUrls } from "./kind.ts";

/** The neighbours' process, running. */
export interface Neighbours {
  /** Its page, `/control` and `/received`. */
  readonly url: string;
  readonly urls: NeighbourUrls;
  stop(): Promise<void>;
}

const STOP_MS = 2_000;

/**
 * Starts the embedded neighbours, for development: what they get is kept in the data directory.
 *
 * @throws StackError which says what is wrong and what to do
 */
export async function startNeighbours(options: { dataDir: string; say: (line: string) => void }): Promise<Neighbours> {
  const giveBack = await takeDataDir(options.dataDir, options.say);
  try {
    const server = await keepServer(neighbours, { ...options, name: "neighbours", program: process.execPath });
    let stopping: Promise<void> | undefined;
    return {
      url: server.url,
      urls: neighbourUrls(server.url),
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
