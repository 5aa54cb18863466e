import { discard } from "../../store/ledger/discard.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { type ParkedBatchAnswer, type ParkedBatchInput, processParked } from "./parked-batch.ts";
import { DEFAULT_LIMITS } from "./time-boxed.ts";

/** Gives parked events up for good. */
export function discardParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchAnswer> {
  return processParked(deps, "DISCARD", input, context, limits, (ids, intervention) =>
    discard(deps.changes, ids, intervention),
  );
}
