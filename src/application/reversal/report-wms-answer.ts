import type { CancelState } from "../../domain/reversal.ts";
import { readCancel } from "../../store/reads/reversal.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { closeCancel } from "./close-cancel.ts";
import { cancelNotFound } from "./get-cancel.ts";

export interface ReportWmsAnswerInput {
  readonly orderId: bigint;
  readonly agreed: boolean;
  readonly reason: string;
  readonly operator: string;
  readonly requestId: string;
}

/** The WMS answers later whether it gives an order back. A repeat with the same request id gets the first answer. */
export async function reportWmsAnswer(
  deps: OperationDeps,
  input: ReportWmsAnswerInput,
  context: CallContext,
): Promise<{ readonly state: CancelState }> {
  const reason = input.reason === "" && !input.agreed ? "the WMS refused" : input.reason;
  const state =
    (await closeCancel(deps, { ...input, reason, cancelId: undefined }, context)) ??
    (await readCancel(deps.db, input.orderId))?.state;
  if (state === undefined) {
    throw cancelNotFound(input.orderId);
  }
  return { state };
}
