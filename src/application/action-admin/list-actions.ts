import { type Hold, readHolds } from "../../store/reads/action-pauses.ts";
import { type EndedSums, type OpenSums, readEndedSums } from "../../store/reads/action-totals.ts";
import type { ActionInfo, OperationDeps } from "../deps.ts";

/** An Action and how it does. */
export interface ActionStanding {
  readonly info: ActionInfo;
  readonly open: OpenSums;
  /** Undefined where it has never done anything. */
  readonly ended: EndedSums | undefined;
  /** Undefined where it is not held. */
  readonly hold: Hold | undefined;
}

/** How each Action does: the Actions proper, the flows' steps, the timers. */
export async function listActions({ db, actions, readOpenSums }: OperationDeps): Promise<readonly ActionStanding[]> {
  const [open, ended, holds] = await Promise.all([
    readOpenSums(actions.map(({ name }) => name)),
    readEndedSums(db),
    readHolds(db),
  ]);
  return actions.map((info) => ({
    info,
    open: open.get(info.name) as OpenSums,
    ended: ended.get(info.name),
    hold: holds.get(info.name),
  }));
}
