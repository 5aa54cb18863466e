import { type Awaited, type Waiter, waitReason } from "../../domain/waits.ts";
import type { ActionResult, Attempt } from "../../messaging/runner/action.ts";

/**
 * The only way for an Action to wait for another one of the same order: for those in the table of
 * waits, which is acyclic.
 *
 * @param why what would go wrong otherwise
 * @param at when to check again; by default with back-off
 */
export function waitFor<W extends Waiter>(
  waiter: W,
  awaited: Awaited<W>,
  { why, at }: { readonly why: string; readonly at?: Date },
  { mayHaveSideEffects }: Pick<Attempt, "mayHaveSideEffects">,
): ActionResult {
  const result = { kind: "wait", reason: waitReason(waiter, awaited, why), mayHaveSideEffects } as const;
  return at === undefined ? result : { ...result, at };
}
