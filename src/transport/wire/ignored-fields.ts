import { boundedLabels } from "../../observability/bounded-labels.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";

/** An unknown field in a JSON request that was decoded without it. */
export interface IgnoredField {
  readonly rpc: string;
  /** Its path without indexes, for example `updates.note`; `(other)` for what is no field name. */
  readonly field: string;
  readonly caller: string;
}

export type OnIgnoredField = (ignored: IgnoredField) => void;

/**
 * Counts ignored fields, and logs each field of an RPC once, with its first caller: while the count
 * grows, OMS_JSON_UNKNOWN_FIELDS=ignore is still needed.
 */
export function observeIgnoredFields(
  log: Logger,
  { jsonUnknownFields }: Pick<Metrics, "jsonUnknownFields">,
): OnIgnoredField {
  const labelOf = boundedLabels();
  const logged = new Set<string>();
  return ({ rpc, field, caller }) => {
    const label = labelOf(field);
    jsonUnknownFields.inc({ rpc, field: label });
    const key = `${rpc} ${label}`;
    if (!logged.has(key)) {
      logged.add(key);
      log.warn({ rpc, field: label, caller }, "unknown JSON field ignored");
    }
  };
}
