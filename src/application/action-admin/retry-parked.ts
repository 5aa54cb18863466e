import { redrive } from "../../store/ledger/redrive.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { type ParkedBatchAnswer, type ParkedBatchInput, processParked } from "./parked-batch.ts";
import { DEFAULT_LIMITS } from "./time-boxed.ts";

/** Has parked events tried again now, each with a full round of attempts. */
export function retryParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchAnswer> {
  return processParked(deps, "RETRY", input, context, limits, (ids, intervention) =>
    redrive(deps.changes, ids, ["PARKED"], intervention),
  );
}
