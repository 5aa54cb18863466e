import { setActionPaused } from "../../store/ledger/action-pause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { findAction } from "./action-info.ts";

export interface PauseActionInput {
  readonly action: string;
  readonly operator: string;
  readonly reason: string;
}

/** Holds an Action on all servers, or replaces the reason; false where it was held before. */
export function pauseAction(
  deps: OperationDeps,
  input: PauseActionInput,
  context: Pick<CallContext, "caller">,
): Promise<boolean> {
  return turn(deps, "PAUSE", input, context);
}

/** Lets a held Action go on; false where it was not held. */
export function resumeAction(
  deps: OperationDeps,
  input: PauseActionInput,
  context: Pick<CallContext, "caller">,
): Promise<boolean> {
  return turn(deps, "RESUME", input, context);
}

async function turn(
  deps: OperationDeps,
  kind: "PAUSE" | "RESUME",
  { action, operator, reason }: PauseActionInput,
  { caller }: Pick<CallContext, "caller">,
): Promise<boolean> {
  const { name } = findAction(deps, action);
  return setActionPaused(deps.changes, { kind, action: name, selection: "", caller, operator, reason });
}
