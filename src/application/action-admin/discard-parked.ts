import { discard } from "../../store/ledger/discard.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { forParked, type ParkedPortionAnswer, type ParkedPortionInput } from "./parked-batch.ts";
import { PORTION } from "./time-boxed.ts";

/** Gives parked events up for good. */
export function discardParked(
  deps: OperationDeps,
  input: ParkedPortionInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = PORTION,
): Promise<ParkedPortionAnswer> {
  return forParked(deps, "DISCARD", input, context, limits, (ids, intervention) =>
    discard(deps.changes, ids, intervention),
  );
}
