import type { OrderEvent } from "../../domain/events.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { LedgerEntry } from "../../store/ledger/index.ts";
import type { ActionResult } from "./action.ts";

/** An attempt that has a span. */
export interface TracedAttempt {
  readonly traceparent: string;
  /** The event, as part of the attempt's span: so is whatever follows from it. */
  readonly event: OrderEvent;
  /** @param counts how the ledger counts the result */
  end(result: ActionResult, counts: string): void;
}

/** Begins an attempt's span, below that of whoever brought the event: the publish, or from the ledger the call itself. */
export function startAttemptSpan(tracer: Tracer, entry: LedgerEntry, event: OrderEvent, now: Date): TracedAttempt {
  const { action, messageId, orderId, attempt, firstTime } = entry;
  const span = tracer.start(`${action} process`, {
    kind: "consumer",
    parent: event.traceparent,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.type": "process",
      "messaging.message.id": messageId,
      "oms.action": action,
      "oms.attempt": attempt,
      "oms.order_id": String(orderId),
      "oms.lag_ms": now.getTime() - firstTime.getTime(),
    },
  });
  return {
    traceparent: span.traceparent,
    event: { ...event, traceparent: span.traceparent },
    end(result, counts) {
      span.set({ "oms.result": counts });
      if (result.kind !== "done") {
        span.set({ "oms.reason": result.reason });
        if (result.kind !== "wait") {
          span.fail(result.reason);
        }
      }
      span.end();
    },
  };
}
