import closeWithGrace from "close-with-grace";
import type { Logger } from "../observability/log.ts";

/**
 * Components, stopped in the reverse order of their start: each once, whether or not the others
 * stop cleanly.
 */
export interface Lifecycle {
  /** Starts a component and registers how to stop it. */
  start<Component>(
    name: string,
    begin: () => Component | Promise<Component>,
    stop: (component: Component) => unknown,
  ): Promise<Component>;
  stop(): Promise<void>;
}

export function createLifecycle(log: Logger): Lifecycle {
  const running: { readonly name: string; readonly stop: () => unknown }[] = [];
  return {
    async start(name, begin, stop) {
      const component = await begin();
      running.push({ name, stop: () => stop(component) });
      return component;
    },
    async stop() {
      for (let next = running.pop(); next !== undefined; next = running.pop()) {
        const { name: component, stop } = next;
        const since = performance.now();
        try {
          await stop();
          log.debug({ component, ms: Math.round(performance.now() - since) }, "stopped");
        } catch (error) {
          log.error({ err: error, component }, "component failed to stop");
        }
      }
    },
  };
}

/**
 * Stops everything in order on SIGINT, SIGTERM and an unhandled error; a second signal exits at
 * once.
 *
 * @returns a function that stops everything as well; without effect when it is stopping already
 * @param timeoutMs shutdown timeout; after it the process exits at once
 */
export function stopOnSignals(
  lifecycle: Lifecycle,
  log: Logger,
  print: (line: string) => void,
  timeoutMs: number,
): () => void {
  let stopping = false;
  const { close } = closeWithGrace({ delay: timeoutMs, logger: false }, async ({ signal, err }) => {
    stopping = true;
    if (err !== undefined) {
      log.fatal({ err }, "unhandled error, shutting down");
      process.exitCode = 1;
    } else if (signal !== undefined) {
      print(`\nStopping (${signal}) …`);
    }
    await lifecycle.stop();
    print("Stopped.");
  });
  return () => {
    if (!stopping) {
      void close();
    }
  };
}
