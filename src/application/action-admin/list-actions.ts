import { type ActionPause, readActionPauses } from "../../store/reads/action-pauses.ts";
import { type AttemptTotals, type OpenTotals, readAttemptTotals } from "../../store/reads/action-totals.ts";
import type { ActionInfo, OperationDeps } from "../deps.ts";

/** An Action and how it does. */
export interface ActionStatus {
  readonly info: ActionInfo;
  readonly open: OpenTotals;
  /** Undefined where it has never done anything. */
  readonly totals: AttemptTotals | undefined;
  /** Undefined where it is not held. */
  readonly pause: ActionPause | undefined;
}

/** How each Action does: the Actions proper, the flows' steps, the timers. */
export async function listActions({ db, actions, readOpenSums }: OperationDeps): Promise<readonly ActionStatus[]> {
  const [open, ended, holds] = await Promise.all([
    readOpenSums(actions.map(({ name }) => name)),
    readAttemptTotals(db),
    readActionPauses(db),
  ]);
  return actions.map((info) => ({
    info,
    open: open.get(info.name) as OpenTotals,
    totals: ended.get(info.name),
    pause: holds.get(info.name),
  }));
}
