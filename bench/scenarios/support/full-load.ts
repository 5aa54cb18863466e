import type { LoadResult } from "../../load/index.ts";

/** Calls under way at what is called full load. */
export const FULL_LOAD_CALLERS = 256;

/** More changes a second than one machine is expected to carry: so many are made possible beforehand. */
const MOST_PER_SECOND = 30_000;

/** Changes of an ordinary life. */
const CHANGES_PER_ORDER = 11;

/** Orders that last for a load of so many seconds, the warm-up included. */
export function ordersFor(
  seconds: number,
  perSecond = MOST_PER_SECOND,
  callers = FULL_LOAD_CALLERS,
  changesPerOrder = CHANGES_PER_ORDER,
): number {
  return Math.ceil((seconds * perSecond) / changesPerOrder) + callers;
}

/**
 * The load's result, when every call did what was asked: figures of calls that fail print nothing.
 *
 * @throws Error where some did not
 */
export function requireAllSucceeded(result: LoadResult): LoadResult {
  if (result.failed > 0 || result.rejected > 0) {
    throw new Error(`${result.failed} calls failed and ${result.rejected} were refused`);
  }
  return result;
}
