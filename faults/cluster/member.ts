import { setTimeout as sleep } from "node:timers/promises";
import type { Child, Exit } from "../../tools/devstack/child.ts";

/**
 * A process of the cluster that faults can be injected into. It is restarted after an unexpected
 * exit, but not after `kill`.
 */
export interface Member {
  readonly name: string;
  /** Started, and neither exited nor frozen since. */
  isUp(): boolean;
  /** Starts it, retrying until it accepts requests; does nothing when it is up. */
  start(): Promise<void>;
  /** Sends SIGKILL, also during the start; the process stays down. */
  kill(): Promise<void>;
  /** Sends SIGSTOP: connections stay open without an answer, until `thaw` or `kill`. */
  freeze(): void;
  thaw(): void;
}

/** Delay between two start attempts, in milliseconds. */
const RESTART_DELAY_MS = 250;

export function createMember({
  name,
  launch,
  onUnexpectedExit,
}: {
  readonly name: string;
  /**
   * Starts the process and waits until it accepts requests; rejects when it exits before, or on the
   * signal.
   */
  readonly launch: (signal: AbortSignal) => Promise<Child>;
  /** The process was up and exited without `kill`. */
  readonly onUnexpectedExit: (exit: Exit) => void;
}): Member {
  let child: Child | undefined;
  let frozen = false;
  let starting: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  const launchUntilUp = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        const started = await launch(signal);
        child = started;
        started.exit.then((exit) => onExit(started, exit));
        return;
      } catch {
        // What it depends on may be down; the reason is in its log.
        await sleep(RESTART_DELAY_MS, undefined, { signal }).catch(() => {});
      }
    }
  };

  const begin = () => {
    const abort = new AbortController();
    const attempt = {
      abort,
      done: launchUntilUp(abort.signal).finally(() => {
        if (starting === attempt) {
          starting = undefined;
        }
      }),
    };
    starting = attempt;
    return attempt.done;
  };

  const onExit = (exited: Child, exit: Exit) => {
    if (child === exited) {
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
      const running = child;
      child = undefined;
      frozen = false;
      await running?.kill("SIGKILL");
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
