import closeWithGrace from "close-with-grace";
import type { Logger } from "../observability/log.ts";

/** Parts that are stopped in the opposite order of their start, each once, whatever happened to the others. */
export interface Lifecycle {
  /** Starts a part and remembers how to stop it. */
  start<Part>(name: string, begin: () => Part | Promise<Part>, stop: (part: Part) => unknown): Promise<Part>;
  stop(): Promise<void>;
}

export function createLifecycle(log: Logger): Lifecycle {
  const running: { readonly name: string; readonly stop: () => unknown }[] = [];
  return {
    async start(name, begin, stop) {
      const part = await begin();
      running.push({ name, stop: () => stop(part) });
      return part;
    },
    async stop() {
      for (let part = running.pop(); part !== undefined; part = running.pop()) {
        const since = performance.now();
        try {
          await part.stop();
          log.debug({ part: part.name, ms: Math.round(performance.now() - since) }, "stopped");
        } catch (error) {
          log.error({ err: error, part: part.name }, "could not be stopped in order");
        }
      }
    },
  };
}

/** Longest orderly stop, in milliseconds; after it the process ends as it is. */
const STOP_LIMIT_MS = 10_000;

/** Stops everything in order at Ctrl-C, at SIGTERM and at a bug that nobody caught; a second Ctrl-C does not wait. */
export function stopOnSignals(lifecycle: Lifecycle, log: Logger, say: (line: string) => void): void {
  closeWithGrace({ delay: STOP_LIMIT_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) {
      log.fatal({ err }, "a bug stops the service");
      process.exitCode = 1;
    } else {
      say(`\nStopping (${signal}) …`);
    }
    await lifecycle.stop();
    say("Stopped.");
  });
}
