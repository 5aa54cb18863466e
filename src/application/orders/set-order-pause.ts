import { PAUSE_FAILED, PAUSE_SUCCEEDED } from "../../domain/verdicts.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

export interface SetOrderPauseInput {
  readonly orderId: bigint;
  readonly paused: boolean;
  readonly reason: string;
  readonly operator: string;
}

export interface SetOrderPauseResult {
  /** False for an unknown order only. */
  readonly success: boolean;
  readonly changed: boolean;
  readonly message: string;
}

/** Old operation 4, puaseOrderStatus: the pause and nothing else. */
export async function setOrderPause(
  { committer }: OperationDeps,
  { orderId, paused, reason, operator }: SetOrderPauseInput,
  context: CallContext,
): Promise<SetOrderPauseResult> {
  const result = await committer.pause({
    kind: "pause",
    orderId,
    paused,
    reason,
    cause: causeOf(context, operator),
    deadline: context.deadline,
  });
  return result.kind === "not-found"
    ? { success: false, changed: false, message: PAUSE_FAILED }
    : { success: true, changed: result.changed, message: PAUSE_SUCCEEDED };
}
