import type { Message } from "@bufbuild/protobuf";
import { OperationError, type OperationErrorKind } from "../../application/errors.ts";
import { boundedLabels } from "../../observability/bounded-labels.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Call, Interceptor } from "../call.ts";
import type { Allowance, CallerLimits } from "../rate-limits/index.ts";

/** When a caller whose slots are all taken is told to try again, in milliseconds: calls end soon, watches do not. */
const RETRY_AFTER_MS = { concurrent: 100, watches: 5_000 } as const;

/** The limits' names in the metric. */
type Limit = "rate" | "concurrent" | "watches";

const KINDS: Readonly<Record<Limit, OperationErrorKind>> = {
  rate: "rate-limited",
  concurrent: "too-many-calls",
  watches: "too-many-watches",
};

const TEXTS: Readonly<Record<Limit, string>> = {
  rate: "calls more often than it may",
  concurrent: "has as many calls under way on this server as it may",
  watches: "has as many watches open on this server as it may",
};

/** Holds each caller to its share. A batch counts as many calls as it has orders, a watch as one. */
export const rateLimit = (limits: CallerLimits, { rateLimited }: Pick<Metrics, "rateLimited">): Interceptor => {
  const labelOf = boundedLabels();
  const refuse = ({ caller }: Call, limit: Limit, retryAfterMs: number): never => {
    rateLimited.inc({ caller: labelOf(caller), limit });
    const message = `${caller} ${TEXTS[limit]}; nothing was done, try again in ${Math.ceil(retryAfterMs)} ms`;
    throw new OperationError(KINDS[limit], message, { retryAfterMs: Math.ceil(retryAfterMs), metadata: { caller } });
  };
  const enter = (allowance: Allowance, call: Call, slot: "concurrent" | "watches") => {
    if (!allowance.acquire(slot)) {
      refuse(call, slot, RETRY_AFTER_MS[slot]);
    }
  };
  const take = async (allowance: Allowance, call: Call, tokens: number): Promise<void> => {
    const taken = allowance.take(tokens);
    const waitMs = taken instanceof Promise ? await taken : taken;
    if (waitMs > 0) {
      refuse(call, "rate", waitMs);
    }
  };
  return (next, { streams }) =>
    streams
      ? async function* (request, call) {
          const allowance = limits.get(call.caller);
          if (allowance === undefined) {
            yield* next(request, call) as AsyncIterable<Message>;
            return;
          }
          enter(allowance, call, "watches");
          try {
            await take(allowance, call, 1);
            yield* next(request, call) as AsyncIterable<Message>;
          } finally {
            allowance.release("watches");
          }
        }
      : (request, call) => {
          const allowance = limits.get(call.caller);
          if (allowance === undefined) {
            return next(request, call);
          }
          return (async () => {
            enter(allowance, call, "concurrent");
            try {
              await take(allowance, call, costOf(request));
              return await (next(request, call) as Promise<Message>);
            } finally {
              allowance.release("concurrent");
            }
          })();
        };
};

/** What a batch has one of for each order that it asks or tells about. */
interface Batch {
  readonly orderIds?: readonly unknown[];
  readonly updates?: readonly unknown[];
}

function costOf(request: Message): number {
  const { orderIds, updates } = request as Batch;
  return Math.max(1, (updates ?? orderIds)?.length ?? 1);
}
