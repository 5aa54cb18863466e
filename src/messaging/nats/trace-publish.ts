import type { Tracer } from "../../observability/tracing.ts";
import type { EventMessage } from "./envelope.ts";

/** A publish that has a span. */
export interface TracedPublish<M extends EventMessage> {
  /** The message, as part of the span: so is whatever a subscriber makes of it. */
  readonly message: M;
  /** @param attempts how often it was sent */
  end(attempts: number, duplicate: boolean): void;
  fail(error: Error): void;
}

/** Begins the span of a publish. */
export function startPublishSpan<M extends EventMessage>(tracer: Tracer, message: M): TracedPublish<M> {
  const { subject, messageId, orderId, traceparent } = message;
  const span = tracer.start(`publish ${subject}`, {
    kind: "producer",
    parent: traceparent,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.type": "send",
      "messaging.destination.name": subject,
      "messaging.message.id": messageId,
      "oms.order_id": String(orderId),
    },
  });
  return {
    message: { ...message, traceparent: span.traceparent },
    end(attempts, duplicate) {
      // What the broker had before we began is no publish, and nobody will get it: the span is left unsaid.
      if (duplicate && attempts === 1) {
        return;
      }
      span.set({ "oms.attempts": attempts });
      span.end();
    },
    fail(error) {
      span.fail(error.message);
      span.end();
    },
  };
}
