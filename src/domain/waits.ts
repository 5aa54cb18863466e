import { ASK_WMS, WMS_TIME_LIMIT } from "./flow.ts";

/**
 * The Actions of a flow that wait for another one of the same order, and for which. The relation
 * must stay acyclic: two Actions that wait for each other would wait forever. Beside it, an Action
 * waits for its own earlier events of the order only.
 */
export const WAITS_FOR = {
  /** Otherwise the WMS would agree to return what it does not have yet. */
  [ASK_WMS]: ["dispatch"],
  /** A request that is in progress may have been carried out. */
  [WMS_TIME_LIMIT]: [ASK_WMS],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** An Action that waits for others. */
export type Waiter = keyof typeof WAITS_FOR;

/** The Actions that this one waits for. */
export type Awaited<W extends Waiter> = (typeof WAITS_FOR)[W][number];

/** The reason of a wait, as the ledger stores it. */
export function waitReason<W extends Waiter>(_waiter: W, awaited: Awaited<W>, why: string): string {
  return `waits for ${awaited}: ${why}`;
}

/** The Action named in the reason of a wait; undefined for any other text. */
export function awaitedAction(reason: string): string | undefined {
  return /^waits for (\S+): /.exec(reason)?.[1];
}
