import { PAGE_MAX } from "./args.ts";
import { ExitCode } from "./failures.ts";
import { countOf } from "./format.ts";
import { type Progress, printNote, showProgress, untilInterrupted } from "./terminal.ts";

/**
 * Reads the first items of a list, page by page. A page may be short or empty before the last one.
 *
 * @returns more: whether the list has further items
 */
export async function readPages<Item>(
  limit: number,
  read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<{
    readonly items: readonly Item[];
    readonly nextPageToken: string;
  }>,
): Promise<{ readonly items: Item[]; readonly more: boolean }> {
  const items: Item[] = [];
  let pageToken = "";
  do {
    const page = await read({ pageSize: Math.min(PAGE_MAX, limit - items.length), pageToken });
    for (const item of page.items) {
      items.push(item);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && items.length < limit);
  return { items, more: pageToken !== "" };
}

/** Work that the service does in time-boxed batches. */
export interface BatchedWork<Selection, Sample> {
  /** What happens to the events, for example "retried". */
  readonly what: string;
  /** Worked on one after the other, each in as many batches as it takes. */
  readonly selections: readonly Selection[];
  perform(
    selection: Selection,
    pageToken: string,
  ): Promise<{ readonly count: bigint; readonly samples: readonly Sample[]; readonly nextPageToken: string }>;
  /**
   * Total number of events; called once, if there is a second batch.
   *
   * @param done count of the first batch
   */
  total(done: bigint): Promise<bigint | undefined>;
}

export interface BatchedResult<Sample> {
  readonly count: bigint;
  /** Samples of the first batch. */
  readonly samples: readonly Sample[];
}

/**
 * Runs all batches, with a progress bar on a terminal. Ctrl-C stops after the current batch. If a
 * batch fails, the progress so far is printed before the error is thrown.
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
  const noteInterrupted = () =>
    printNote(`Interrupted: ${countOf(count, "event")} ${what}. Run the same command again to continue.`);
  try {
    for (const [index, selection] of selections.entries()) {
      let pageToken = "";
      do {
        if (signal.aborted) {
          progress?.stop();
          noteInterrupted();
          process.exitCode = ExitCode.INTERRUPTED;
          return { count, samples: samples ?? [] };
        }
        const batch = await perform(selection, pageToken);
        pageToken = batch.nextPageToken;
        count += batch.count;
        samples ??= batch.samples;
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
      noteInterrupted();
    }
    throw error;
  }
}
