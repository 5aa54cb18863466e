import { Code } from "@connectrpc/connect";
import { boundedLabels } from "../../observability/bounded-labels.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { LegacyOutcome } from "./call.ts";
import { LEGACY_METHODS } from "./methods.ts";

/** Counts calls by old method and caller, so that one sees who still uses what; a method that nobody calls stands there with 0. */
export function createLegacyCallCounter(
  { legacyCalls }: Metrics,
  callers: readonly string[],
): (method: string, outcome: LegacyOutcome, protocol: "http" | "soap") => void {
  for (const { name } of LEGACY_METHODS) {
    legacyCalls.inc({ method: name, caller: `legacy:${name}`, protocol: "http", result: "answered" }, 0);
  }
  const labelOf = boundedLabels();
  // Names in a header are for the taking: those that somebody gave here come first.
  callers.forEach(labelOf);
  return (method, outcome, protocol) => {
    legacyCalls.inc({ method, caller: labelOf(outcome.caller), protocol, result: resultOf(outcome) });
  };
}

/** Whose fault a failure is. */
function resultOf(outcome: LegacyOutcome): "answered" | "refused" | "failed" {
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
