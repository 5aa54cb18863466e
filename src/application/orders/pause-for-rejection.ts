import { type RejectionVerdict, rejectionVerdict, type Verdict } from "../../domain/verdicts.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

/** Old operation 2, rejectOrder: the pause first, then whether the order can be rejected. */
export async function pauseForRejection(
  { committer }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<Verdict<RejectionVerdict>> {
  const result = await committer.pause({
    kind: "pause",
    orderId,
    paused: true,
    reason: "rejection requested",
    cause: causeOf(context, operator),
    deadline: context.deadline,
  });
  return rejectionVerdict(result.kind === "paused" ? result.order : undefined);
}
