import { redrive } from "../../store/ledger/redrive.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { forParked, type ParkedPortionAnswer, type ParkedPortionInput } from "./parked-batch.ts";
import { PORTION } from "./time-boxed.ts";

/** Has parked events tried again now, each with a full round of attempts. */
export function retryParked(
  deps: OperationDeps,
  input: ParkedPortionInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = PORTION,
): Promise<ParkedPortionAnswer> {
  return forParked(deps, "RETRY", input, context, limits, (ids, intervention) =>
    redrive(deps.changes, ids, ["PARKED"], intervention),
  );
}
