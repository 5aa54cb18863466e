import { type CancelVerdict, cancelVerdict, type Verdict } from "../../domain/verdicts.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

export interface PauseForCancelResult extends Verdict<CancelVerdict> {
  /** 0 for an unknown order. */
  readonly status: number;
}

/** Old operation 1, cancelOrder: the pause first, always; then whether the order can be cancelled. */
export async function pauseForCancel(
  { committer }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<PauseForCancelResult> {
  const result = await committer.pause({
    kind: "pause",
    orderId,
    paused: true,
    reason: "cancel requested",
    cause: causeOf(context, operator),
    deadline: context.deadline,
  });
  const order = result.kind === "paused" ? result.order : undefined;
  return { ...cancelVerdict(order), status: order?.status ?? 0 };
}
