import { ExitCode } from "./failures.ts";
import { countOf } from "./format.ts";
import { untilInterrupted } from "./interrupt.ts";
import { type Progress, showProgress } from "./progress.ts";
import { printNote } from "./terminal.ts";

/** What one call of a long work did. */
interface Portion<Sample> {
  readonly count: bigint;
  readonly samples: readonly Sample[];
  readonly nextPageToken: string;
}

/** Long work that the service does in portions. */
export interface BatchedWork<Selection, Sample> {
  /** What is done to the events, for example "retried". */
  readonly what: string;
  /** What is worked on, one after the other; each in so many portions as it takes. */
  readonly selections: readonly Selection[];
  perform(selection: Selection, pageToken: string): Promise<Portion<Sample>>;
  /** How much there is in all, asked for once there is more than one portion; done: what the first one did. */
  total(done: bigint): Promise<bigint | undefined>;
}

/** How far it came. */
export interface BatchedResult<Sample> {
  readonly count: bigint;
  /** Of the first portion. */
  readonly samples: readonly Sample[];
}

/**
 * Does it all, with a progress bar on a terminal. A Ctrl-C ends it after the portion under way; so does a failure, which is thrown
 * once it has been said how far it came.
 */
export async function runInBatches<Selection, Sample>({
  what,
  selections,
  perform,
  total,
}: BatchedWork<Selection, Sample>): Promise<BatchedResult<Sample>> {
  const signal = untilInterrupted();
  let progress: Progress | undefined;
  let count = 0n;
  let samples: readonly Sample[] | undefined;
  const cutShort = () => printNote(`Cut short: ${countOf(count, "event")} ${what}. The same command again goes on.`);
  try {
    for (const [index, selection] of selections.entries()) {
      let pageToken = "";
      do {
        if (signal.aborted) {
          progress?.stop();
          cutShort();
          process.exitCode = ExitCode.INTERRUPTED;
          return { count, samples: samples ?? [] };
        }
        const portion = await perform(selection, pageToken);
        pageToken = portion.nextPageToken;
        count += portion.count;
        samples ??= portion.samples;
        if (pageToken !== "" || index < selections.length - 1) {
          progress ??= await showProgress(what, await total(count));
        }
        progress?.update(count);
      } while (pageToken !== "");
    }
    progress?.stop();
    return { count, samples: samples ?? [] };
  } catch (error) {
    progress?.stop();
    if (count > 0n) {
      cutShort();
    }
    throw error;
  }
}
