import { Code } from "@connectrpc/connect";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Outcome } from "./call.ts";
import { OLD_METHODS } from "./methods.ts";

/** So many callers are told apart; a header could name any number of them, and each would be a series for good. */
const MAX_CALLERS = 200;

/** Counts calls by old method and caller, so that one sees who still uses what; a method that nobody calls stands there with 0. */
export function countOldCalls({
  legacyCalls,
}: Metrics): (method: string, outcome: Outcome, protocol: "http" | "soap") => void {
  for (const { name } of OLD_METHODS) {
    legacyCalls.inc({ method: name, caller: `legacy:${name}`, protocol: "http", result: "answered" }, 0);
  }
  const known = new Set<string>();
  return (method, outcome, protocol) => {
    if (known.size < MAX_CALLERS) {
      known.add(outcome.caller);
    }
    const caller = known.has(outcome.caller) ? outcome.caller : "(other)";
    legacyCalls.inc({ method, caller, protocol, result: resultOf(outcome) });
  };
}

/** Whose fault a failure is. */
function resultOf(outcome: Outcome): "answered" | "refused" | "failed" {
  if (outcome.kind === "answered") {
    return "answered";
  }
  return SERVER_FAILURES.has(outcome.code) ? "failed" : "refused";
}

/** Failures that are not the caller's: a SOAP fault of the receiver. */
export const SERVER_FAILURES: ReadonlySet<Code> = new Set([
  Code.Internal,
  Code.Unknown,
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
]);
