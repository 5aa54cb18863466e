import type { Cause } from "../store/commit/types.ts";
import type { CallContext } from "./context.ts";

/** Who sets a change off: the call's system, and the person or job that it names. */
export function causeOf(context: CallContext, operator: string): Cause {
  const { caller, traceparent } = context;
  return { caller, operator, traceparent, tracker: context };
}
