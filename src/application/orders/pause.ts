import type { PauseResult } from "../../domain/pause.ts";
import {
  type CancelVerdict,
  cancelVerdict,
  PAUSE_FAILED,
  PAUSE_SUCCEEDED,
  type RejectionVerdict,
  rejectionVerdict,
  type Verdict,
} from "../../domain/verdicts.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { isVisible } from "../order-scope.ts";

export interface SetOrderPauseInput {
  readonly orderId: bigint;
  readonly paused: boolean;
  readonly reason: string;
  readonly operator: string;
}

export interface SetOrderPauseResult {
  /** False only for an unknown order. */
  readonly success: boolean;
  readonly changed: boolean;
  readonly message: string;
}

/** Legacy operation 4 (puaseOrderStatus): pauses or resumes an order. */
export async function setOrderPause(
  deps: OperationDeps,
  input: SetOrderPauseInput,
  context: CallContext,
): Promise<SetOrderPauseResult> {
  const result = await pause(deps, input, context);
  return result.kind === "not-found"
    ? { success: false, changed: false, message: PAUSE_FAILED }
    : { success: true, changed: result.changed, message: PAUSE_SUCCEEDED };
}

export interface PauseForCancelResult extends Verdict<CancelVerdict> {
  /** 0 for an unknown order. */
  readonly status: number;
}

/**
 * Legacy operation 1 (cancelOrder): pauses in any case, then returns whether the order can be
 * cancelled.
 */
export async function pauseForCancel(
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<PauseForCancelResult> {
  const result = await pause(deps, { orderId, paused: true, reason: "cancel requested", operator }, context);
  const order = result.kind === "paused" ? result.order : undefined;
  return { ...cancelVerdict(order), status: order?.status ?? 0 };
}

/**
 * Legacy operation 2 (rejectOrder): pauses in any case, then returns whether the order can be
 * rejected.
 */
export async function pauseForRejection(
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<Verdict<RejectionVerdict>> {
  const result = await pause(deps, { orderId, paused: true, reason: "rejection requested", operator }, context);
  return rejectionVerdict(result.kind === "paused" ? result.order : undefined);
}

async function pause(
  deps: OperationDeps,
  { orderId, paused, reason, operator }: SetOrderPauseInput,
  context: CallContext,
): Promise<PauseResult> {
  if (!(await isVisible(deps, orderId, context))) {
    return { kind: "not-found" };
  }
  return deps.committer.pause({ kind: "pause", orderId, paused, reason, cause: causeOf(context, operator) }, context);
}
