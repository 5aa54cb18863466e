import { type BackOff, backOffMs } from "../../lib/back-off.ts";
import { createKeyedFifo } from "../../lib/keyed-queue.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { isSampled, traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { StreamConnection } from "./connection.ts";
import type { EventMessage } from "./envelope.ts";
import { createPubAcks, type PubAcks, type PublishError } from "./pub-acks.ts";

/** Publishes to the stream, and retries until the broker acknowledges. */
export interface Publisher {
  /**
   * Enqueues messages, and publishes them as soon as the broker is reachable: those of one order
   * one after the other, each after the acknowledgement of the one before. `onPublished` is called
   * for each; it must not throw. When the stream is lost, waiting messages are discarded: the
   * caller starts again, with what was lost before them.
   */
  publish<M extends EventMessage>(messages: readonly M[], onPublished: (message: M) => void): void;
  /**
   * Publishes a message in one attempt.
   *
   * @throws PublishError
   */
  publishOnce(message: EventMessage): Promise<void>;
  /** Number of messages that are waiting or not acknowledged. */
  unpublished(): number;
  /** Publishes nothing more. */
  close(): void;
}

interface Entry {
  readonly message: EventMessage;
  readonly onPublished: () => void;
  /** From the first attempt on, where the message is traced. */
  span?: PublishSpan;
  attempts: number;
}

/** Messages in flight at a time: keeps the broker busy during a round trip. */
const MAX_IN_FLIGHT = 512;

/** Time limit for an acknowledgement, in milliseconds. */
const ACK_TIMEOUT_MS = 5_000;

const BACK_OFF: BackOff = { baseMs: 50, capMs: 2_000 };

export interface PublisherOptions {
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly maxInFlight?: number;
  /** In milliseconds. */
  readonly ackTimeoutMs?: number;
}

export function createPublisher(options: PublisherOptions): Publisher {
  return new StreamPublisher(options);
}

class StreamPublisher implements Publisher {
  readonly #stream: StreamConnection;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #tracer: Tracer | undefined;
  readonly #maxInFlight: number;
  readonly #acks: PubAcks;
  readonly #stopListening: () => void;
  /** An order is busy from the first attempt at a message until its acknowledgement. */
  readonly #queue = createKeyedFifo<Entry>(({ message }) => message.orderId);
  /** Failed messages, which keep their orders busy. */
  #retries: Entry[] = [];
  #inFlight = 0;
  #consecutiveFailures = 0;
  /** Set after a failure: nothing is sent until it fires. */
  #backOff: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({
    stream,
    log,
    metrics,
    tracer,
    maxInFlight = MAX_IN_FLIGHT,
    ackTimeoutMs = ACK_TIMEOUT_MS,
  }: PublisherOptions) {
    this.#stream = stream;
    this.#log = log;
    this.#metrics = metrics;
    this.#tracer = tracer;
    this.#maxInFlight = maxInFlight;
    this.#acks = createPubAcks(stream, { ackTimeoutMs });
    this.#stopListening = stream.onConnect((_client, event) => {
      this.#consecutiveFailures = 0;
      if (event === "lost") {
        this.#discardWaiting();
      }
      this.#resume();
    });
  }

  publish<M extends EventMessage>(messages: readonly M[], onPublished: (message: M) => void): void {
    for (const message of messages) {
      this.#queue.push({ message, onPublished: () => onPublished(message), attempts: 0 });
    }
    this.#sendWaiting();
  }

  publishOnce(message: EventMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const span = this.#startSpan(message);
    this.#acks.send(span?.message ?? message, (error, _seq, duplicate) => {
      if (error === undefined) {
        span?.end(1, duplicate);
        resolve();
      } else {
        span?.fail(error);
        this.#stream.checkStream(error);
        reject(error);
      }
    });
    return promise;
  }

  unpublished(): number {
    return this.#queue.waiting + this.#retries.length + this.#inFlight;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#backOff);
    this.#stopListening();
    this.#acks.close();
  }

  #canSend(): boolean {
    return (
      !this.#closed &&
      this.#backOff === undefined &&
      this.#inFlight < this.#maxInFlight &&
      this.#stream.client() !== undefined
    );
  }

  #sendWaiting(): void {
    while (this.#canSend()) {
      const entry = this.#queue.next();
      if (entry === undefined) {
        return;
      }
      this.#send(entry);
    }
  }

  #send(entry: Entry): void {
    this.#inFlight += 1;
    entry.attempts += 1;
    const span = entry.span ?? this.#startSpan(entry.message);
    if (span !== undefined) {
      entry.span = span;
    }
    this.#acks.send(span?.message ?? entry.message, (error, _seq, duplicate) => {
      this.#inFlight -= 1;
      if (error === undefined) {
        span?.end(entry.attempts, duplicate);
        this.#succeeded(entry);
      } else {
        this.#failed(entry, error);
      }
    });
  }

  #succeeded(entry: Entry): void {
    this.#consecutiveFailures = 0;
    this.#metrics.published.inc();
    this.#queue.release(entry);
    entry.onPublished();
    this.#sendWaiting();
  }

  #failed(entry: Entry, error: PublishError): void {
    this.#retries.push(entry);
    if (this.#closed || this.#stream.client() === undefined) {
      return;
    }
    const { messageId, traceparent } = entry.message;
    if (this.#consecutiveFailures === 0) {
      this.#log.warn({ err: error, messageId, traceId: traceIdOf(traceparent) }, "event publish failed; retrying");
    }
    this.#consecutiveFailures += 1;
    if (this.#backOff === undefined) {
      this.#backOff = setTimeout(() => this.#resume(), backOffMs(BACK_OFF, this.#consecutiveFailures));
      this.#stream.checkStream(error);
    }
  }

  #resume(): void {
    clearTimeout(this.#backOff);
    this.#backOff = undefined;
    const entries = this.#retries;
    this.#retries = [];
    for (const entry of entries) {
      this.#send(entry);
    }
    this.#sendWaiting();
  }

  #discardWaiting(): void {
    this.#queue.clear();
    for (const entry of this.#retries) {
      this.#queue.release(entry);
    }
    this.#retries = [];
  }

  #startSpan(message: EventMessage): PublishSpan | undefined {
    return this.#tracer && isSampled(message.traceparent) ? startPublishSpan(this.#tracer, message) : undefined;
  }
}

/** The span of a publish. */
interface PublishSpan {
  /** The message with the span's trace, which subscribers continue. */
  readonly message: EventMessage;
  end(attempts: number, duplicate: boolean): void;
  fail(error: Error): void;
}

function startPublishSpan(tracer: Tracer, message: EventMessage): PublishSpan {
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
      // Stored before the first attempt, so never delivered again: such a span is dropped.
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
