import { setTimeout as sleep } from "node:timers/promises";
import type { Child, Exit } from "../../tools/devstack/child.ts";

/** A process of the cluster that can be broken. It is started again when it ends by itself, and by nobody else when it was killed. */
export interface Member {
  readonly name: string;
  /** It has come up, and neither fallen nor been frozen since. */
  isUp(): boolean;
  /** Starts it, as often as it takes, and waits until it takes requests; nothing happens when it is up. */
  start(): Promise<void>;
  /** Ends it at once (SIGKILL), also while it starts; it stays down. */
  kill(): Promise<void>;
  /** It stands still (SIGSTOP) until it is thawed or killed; its connections stay open, and nobody answers. */
  freeze(): void;
  thaw(): void;
}

/** Between two attempts to start it, in milliseconds. */
const START_AGAIN_MS = 250;

export function createMember({
  name,
  launch,
  onUnexpectedExit,
}: {
  readonly name: string;
  /** Starts the process and waits until it takes requests; rejects when it ends before, or when the signal says so. */
  readonly launch: (signal: AbortSignal) => Promise<Child>;
  /** It was up, and nobody killed it. */
  readonly onUnexpectedExit: (exit: Exit) => void;
}): Member {
  let child: Child | undefined;
  let frozen = false;
  let starting: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  const bringUp = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        const started = await launch(signal);
        child = started;
        started.exit.then((exit) => ended(started, exit));
        return;
      } catch {
        // Its surroundings may be down: it has said so in its log, and comes up when they do.
        await sleep(START_AGAIN_MS, undefined, { signal }).catch(() => {});
      }
    }
  };

  const begin = () => {
    const abort = new AbortController();
    const mine = {
      abort,
      done: bringUp(abort.signal).finally(() => {
        if (starting === mine) {
          starting = undefined;
        }
      }),
    };
    starting = mine;
    return mine.done;
  };

  const ended = (which: Child, exit: Exit) => {
    if (child === which) {
      child = undefined;
      frozen = false;
      onUnexpectedExit(exit);
      void begin();
    }
  };

  return {
    name,
    isUp: () => child?.running() === true && !frozen,
    async start() {
      if (child === undefined) {
        await (starting?.done ?? begin());
      }
    },
    async kill() {
      const attempt = starting;
      starting = undefined;
      attempt?.abort.abort();
      await attempt?.done;
      const was = child;
      child = undefined;
      frozen = false;
      await was?.kill("SIGKILL");
    },
    freeze() {
      if (child !== undefined && !frozen) {
        frozen = true;
        process.kill(child.pid, "SIGSTOP");
      }
    },
    thaw() {
      if (child !== undefined && frozen) {
        frozen = false;
        process.kill(child.pid, "SIGCONT");
      }
    },
  };
}
