import { setImmediate as nextTurn } from "node:timers/promises";
import type { LegacySystem } from "../../../integrations/legacy-system.ts";
import { errorMessage } from "../../../lib/error-message.ts";
import { boundedLabels } from "../../../observability/bounded-labels.ts";
import type { Logger } from "../../../observability/log.ts";
import { createLogLimiter } from "../../../observability/log-limiter.ts";
import type { Metrics } from "../../../observability/metrics.ts";
import type { ShadowDifference, ShadowLog, ShadowResult } from "../../../store/logs/shadow-log.ts";
import { compareAnswers } from "./compare.ts";

/** A reading call at an old address, and what we answered. */
export interface ShadowRead {
  /** The old method, for example "getOrderStatus". */
  readonly method: string;
  /** Where it was called, for example "/services/orderStatus/getOrderStatus". */
  readonly path: string;
  /** Its parameters, as the caller gave them. */
  readonly params: ReadonlyMap<string, string>;
  /** Our HTTP status. */
  readonly status: number;
  /** Our answer's body. */
  readonly text: string;
  /** Names of the fields of our answer: none of them is personal data. */
  readonly publicFields: ReadonlySet<string>;
  /** 0 where the call names none. */
  readonly orderId: bigint;
  readonly caller: string;
  readonly callId: string;
}

/** Compares our answers with those of the old system, beside the calls' way. */
export interface Shadow {
  /** Has one call compared, later: returns at once and never throws; where too many are under way the call is skipped. */
  offer(read: ShadowRead): void;
  /** Ends what is under way, which counts as skipped. */
  close(): Promise<void>;
}

/** Compares at once: what comes on top is skipped, as a sample says as much. */
const MAX_UNDER_WAY = 32;

/** Lines of each kind in the log, a second. */
const DIFFERENCES_PER_SECOND = 20;
const FAILURES_PER_SECOND = 3;

/** Asks the old system what it would have answered; what differs is counted, logged and kept, and the caller knows nothing of it. */
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
  const underWay = new Set<Promise<void>>();
  const labelOf = boundedLabels();
  const differenceLines = createLogLimiter(log, {
    message: "the old system answers differently",
    perSecond: DIFFERENCES_PER_SECOND,
  });
  const failureLines = createLogLimiter(log, {
    message: "the old system gave no answer to compare with",
    perSecond: FAILURES_PER_SECOND,
  });

  const count = (method: string, result: ShadowResult) => {
    metrics.shadowComparisons.inc({ method, result });
    shadowLog.count(method, result);
  };

  const tell = (difference: ShadowDifference) => {
    const { method, field } = difference;
    metrics.shadowDifferences.inc({ method, field: labelOf(field) });
    shadowLog.recordDifference(difference);
    differenceLines.write("info", method, () => ({ ...difference, orderId: String(difference.orderId) }));
  };

  const compare = async (read: ShadowRead): Promise<ShadowResult> => {
    const { method, orderId, caller, callId } = read;
    // The caller has the answer first.
    await nextTurn();
    const theirs = await legacySystem.read(read.path, read.params, stopping.signal);
    if (theirs.status >= 500 && theirs.status !== read.status) {
      throw new Error(`it answered ${theirs.status}`);
    }
    const differences = compareAnswers(read, theirs, read.publicFields);
    for (const { kind, ...difference } of differences) {
      tell({ method, ...difference, kind: KINDS[kind], orderId, caller, callId });
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
      if (stopping.signal.aborted || underWay.size >= MAX_UNDER_WAY) {
        count(read.method, "skipped");
        return;
      }
      const work = run(read).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    async close() {
      stopping.abort(new Error("the server ends"));
      await Promise.all(underWay);
    },
  };
}

const KINDS = { value: "VALUE", type: "TYPE", missing: "MISSING", added: "ADDED" } as const;
