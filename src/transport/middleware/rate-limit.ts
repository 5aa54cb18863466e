import type { Message } from "@bufbuild/protobuf";
import { OperationError, type OperationErrorKind } from "../../application/errors.ts";
import { boundedLabels } from "../../observability/bounded-labels.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Call, Interceptor } from "../call.ts";
import type { Allowance, CallerLimits } from "../rate-limits/index.ts";
import { type CommonRequestFields, orderCountOf } from "./request-fields.ts";

/** RetryInfo delay when all slots are taken, in milliseconds: calls end soon, watches do not. */
const RETRY_AFTER_MS = { concurrent: 100, watches: 5_000 } as const;

/** Names of the limits in the metric. */
type Limit = "rate" | "concurrent" | "watches";

const ERROR_KINDS: Readonly<Record<Limit, OperationErrorKind>> = {
  rate: "rate-limited",
  concurrent: "too-many-calls",
  watches: "too-many-watches",
};

const LIMIT_NAMES: Readonly<Record<Limit, string>> = {
  rate: "rate limit",
  concurrent: "limit of concurrent calls on this server",
  watches: "limit of open watches on this server",
};

/**
 * Enforces the limits of each caller. A batch costs as many calls as it has orders, a watch one.
 */
export const rateLimit = (limits: CallerLimits, { rateLimited }: Pick<Metrics, "rateLimited">): Interceptor => {
  const labelOf = boundedLabels();
  const reject = ({ caller }: Call, limit: Limit, waitMs: number): never => {
    rateLimited.inc({ caller: labelOf(caller), limit });
    const retryAfterMs = Math.ceil(waitMs);
    const message = `${caller} exceeded its ${LIMIT_NAMES[limit]}; the call was not executed, retry in ${retryAfterMs} ms`;
    throw new OperationError(ERROR_KINDS[limit], message, { retryAfterMs, metadata: { caller } });
  };
  const acquire = (allowance: Allowance, call: Call, slot: "concurrent" | "watches") => {
    if (!allowance.acquire(slot)) {
      reject(call, slot, RETRY_AFTER_MS[slot]);
    }
  };
  const take = async (allowance: Allowance, call: Call, tokens: number): Promise<void> => {
    const taken = allowance.take(tokens);
    const waitMs = taken instanceof Promise ? await taken : taken;
    if (waitMs > 0) {
      reject(call, "rate", waitMs);
    }
  };
  return (next, { streaming }) =>
    streaming
      ? async function* (request, call) {
          const allowance = limits.get(call.caller);
          if (allowance === undefined) {
            yield* next(request, call) as AsyncIterable<Message>;
            return;
          }
          acquire(allowance, call, "watches");
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
            acquire(allowance, call, "concurrent");
            try {
              await take(allowance, call, orderCountOf(request as CommonRequestFields));
              return await (next(request, call) as Promise<Message>);
            } finally {
              allowance.release("concurrent");
            }
          })();
        };
};
