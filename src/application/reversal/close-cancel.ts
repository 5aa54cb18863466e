import type { CancelState } from "../../domain/reversal.ts";
import { closeCancel as close } from "../../store/orders/close-cancel.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { requestIdReused } from "../orders/report-result.ts";

export interface CloseCancelInput {
  readonly orderId: bigint;
  /** Undefined: the order's last one. */
  readonly cancelId: bigint | undefined;
  readonly agreed: boolean;
  readonly reason: string;
  readonly operator: string;
  /** Left out by the flow, whose requests have names. */
  readonly requestId?: string;
}

/** The end of a cancel that waits for the WMS; undefined where nobody asked for one. Of two answers the first counts. */
export async function closeCancel(
  { changes, kinds }: OperationDeps,
  { operator, requestId = "", ...answer }: CloseCancelInput,
  context: CallContext,
): Promise<CancelState | undefined> {
  const state = await close(changes, kinds, { ...answer, requestId, cause: causeOf(context, operator) });
  if (state === "request-id-reused") {
    throw requestIdReused(requestId);
  }
  return state;
}
