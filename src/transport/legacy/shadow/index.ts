import { setImmediate as nextTurn } from "node:timers/promises";
import type { LegacySystem } from "../../../integrations/legacy-system.ts";
import { errorMessage } from "../../../lib/error-message.ts";
import { boundedLabels } from "../../../observability/bounded-labels.ts";
import type { Logger } from "../../../observability/log.ts";
import { createLogLimiter } from "../../../observability/log-limiter.ts";
import type { Metrics } from "../../../observability/metrics.ts";
import type { ShadowDifference, ShadowLog, ShadowResult } from "../../../store/logs/shadow-log.ts";
import { compareAnswers } from "./compare.ts";

/** A read call of a legacy endpoint with our answer. */
export interface ShadowRead {
  /** The legacy method, for example "getOrderStatus". */
  readonly method: string;
  /** For example "/services/orderStatus/getOrderStatus". */
  readonly path: string;
  /** The request's parameters. */
  readonly params: ReadonlyMap<string, string>;
  /** The HTTP status of our answer. */
  readonly status: number;
  /** The body of our answer as over HTTP, also for a SOAP call. */
  readonly text: string;
  /** The names of the answer's fields; none holds personal data. */
  readonly publicFields: ReadonlySet<string>;
  /** 0 if the request has no order. */
  readonly orderId: bigint;
  readonly caller: string;
  readonly callId: string;
}

/** Compares our answers with the legacy system's in the background. */
export interface Shadow {
  /** Schedules a comparison; never blocks or throws. At the concurrency limit it is skipped. */
  offer(read: ShadowRead): void;
  /** Aborts comparisons in progress; they count as skipped. */
  close(): Promise<void>;
}

/** Maximum number of concurrent comparisons; a sample is sufficient. */
const MAX_CONCURRENT = 32;

/** Maximum log lines per second. */
const DIFFERENCES_PER_SECOND = 20;
const FAILURES_PER_SECOND = 3;

const KINDS = { value: "VALUE", type: "TYPE", missing: "MISSING", added: "ADDED" } as const;

/**
 * Sends each offered read to the legacy system; differences are counted, logged and stored. The
 * caller is not affected.
 */
export function createShadow({
  legacySystem,
  log,
  metrics,
  shadowLog,
}: {
  readonly legacySystem: Pick<LegacySystem, "read">;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly shadowLog: Pick<ShadowLog, "count" | "recordDifference">;
}): Shadow {
  const stopping = new AbortController();
  const inProgress = new Set<Promise<void>>();
  const labelOf = boundedLabels();
  const differenceLines = createLogLimiter(log, {
    message: "legacy system answers differently",
    perSecond: DIFFERENCES_PER_SECOND,
  });
  const failureLines = createLogLimiter(log, {
    message: "no answer of the legacy system to compare with",
    perSecond: FAILURES_PER_SECOND,
  });

  const count = (method: string, result: ShadowResult) => {
    metrics.shadowComparisons.inc({ method, result });
    shadowLog.count(method, result);
  };

  const record = (difference: ShadowDifference) => {
    const { method, field } = difference;
    metrics.shadowDifferences.inc({ method, field: labelOf(field) });
    shadowLog.recordDifference(difference);
    differenceLines.write("info", method, () => ({ ...difference, orderId: String(difference.orderId) }));
  };

  const compare = async (read: ShadowRead): Promise<ShadowResult> => {
    const { method, orderId, caller, callId } = read;
    // The caller's response goes first.
    await nextTurn();
    const theirs = await legacySystem.read(read.path, read.params, stopping.signal);
    if (theirs.status >= 500 && theirs.status !== read.status) {
      throw new Error(`HTTP status ${theirs.status}`);
    }
    const differences = compareAnswers(read, theirs, read.publicFields);
    for (const { kind, ...difference } of differences) {
      record({ method, ...difference, kind: KINDS[kind], orderId, caller, callId });
    }
    return differences.length === 0 ? "same" : "different";
  };

  const run = async (read: ShadowRead): Promise<void> => {
    const { method, callId } = read;
    try {
      count(method, await compare(read));
    } catch (error) {
      if (stopping.signal.aborted) {
        count(method, "skipped");
        return;
      }
      count(method, "failed");
      failureLines.write("warn", "failed", () => ({ method, callId, reason: errorMessage(error) }));
    }
  };

  return {
    offer(read) {
      if (stopping.signal.aborted || inProgress.size >= MAX_CONCURRENT) {
        count(read.method, "skipped");
        return;
      }
      const comparison = run(read).finally(() => inProgress.delete(comparison));
      inProgress.add(comparison);
    },
    async close() {
      stopping.abort(new Error("server is shutting down"));
      await Promise.all(inProgress);
    },
  };
}
