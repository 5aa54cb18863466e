import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { isSampled, traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { StreamConnection } from "./connection.ts";
import type { EventMessage } from "./envelope.ts";
import { createPubAcks, type PublishError } from "./pub-acks.ts";
import { startPublishSpan, type TracedPublish } from "./trace-publish.ts";

/** Publishes to the stream, whatever it takes. */
export interface Publisher {
  /**
   * Takes messages in their order, and publishes them as soon as the broker is there: those of one order one after the other, each
   * after the acknowledgement of the one before. Repeats what fails. `onPublished` hears of each; it must not throw. When the stream
   * is lost, what still waits is forgotten: the caller begins anew, with what was lost before it.
   */
  publish<M extends EventMessage>(messages: readonly M[], onPublished: (message: M) => void): void;
  /**
   * One attempt.
   *
   * @throws PublishError
   */
  publishOnce(message: EventMessage): Promise<void>;
  /** How many messages wait, or wait for their acknowledgement. */
  unpublished(): number;
  /** Publishes nothing more. */
  close(): void;
}

interface Entry {
  readonly message: EventMessage;
  published(): void;
  /** From its first attempt on, where anything is traced. */
  span?: TracedPublish<EventMessage>;
  attempts: number;
}

/** Messages under way at a time: enough to keep the broker busy over a round trip. */
const MAX_IN_FLIGHT = 512;

/** How long an acknowledgement may take, in milliseconds. */
const ACK_TIMEOUT_MS = 5_000;

/** The pause after a failure, in milliseconds; it doubles with each failure in a row. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 2_000;

export function createPublisher({
  stream,
  log,
  metrics,
  tracer,
  maxInFlight = MAX_IN_FLIGHT,
  ackTimeoutMs = ACK_TIMEOUT_MS,
}: {
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly maxInFlight?: number;
  readonly ackTimeoutMs?: number;
}): Publisher {
  const acks = createPubAcks(stream, { ackTimeoutMs });
  /** Nobody's turn before theirs; `head` is the next one. */
  let queue: Entry[] = [];
  let head = 0;
  /** Orders with a message under way or to be repeated, and what waits behind it. */
  const busy = new Map<bigint, Entry[]>();
  /** Failed: first in line for their orders. */
  let repeats: Entry[] = [];
  let waitingBehind = 0;
  let inFlight = 0;
  let failuresInARow = 0;
  let pause: NodeJS.Timeout | undefined;
  let closed = false;

  const send = (entry: Entry) => {
    inFlight += 1;
    if (tracer !== undefined && isSampled(entry.message.traceparent)) {
      entry.attempts += 1;
      entry.span ??= startPublishSpan(tracer, entry.message);
    }
    acks.send(entry.span?.message ?? entry.message, (error, _seq, duplicate) => {
      inFlight -= 1;
      if (error === undefined) {
        entry.span?.end(entry.attempts, duplicate);
        succeeded(entry);
      } else {
        failed(entry, error);
      }
    });
  };

  const succeeded = (entry: Entry) => {
    failuresInARow = 0;
    metrics.published.inc();
    const behind = busy.get(entry.message.orderId);
    const next = behind?.shift();
    if (next === undefined) {
      busy.delete(entry.message.orderId);
    } else {
      waitingBehind -= 1;
      send(next);
    }
    entry.published();
    pump();
  };

  const failed = (entry: Entry, error: PublishError) => {
    repeats.push(entry);
    if (closed || stream.client() === undefined) {
      return;
    }
    if (failuresInARow === 0) {
      log.warn(
        { err: error, messageId: entry.message.messageId, traceId: traceIdOf(entry.message.traceparent) },
        "an event could not be published; it is tried again",
      );
    }
    failuresInARow += 1;
    if (pause === undefined) {
      pause = setTimeout(resume, Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failuresInARow, 10), LONGEST_PAUSE_MS));
      stream.checkStream(error);
    }
  };

  const resume = () => {
    clearTimeout(pause);
    pause = undefined;
    const again = repeats;
    repeats = [];
    for (const entry of again) {
      send(entry);
    }
    pump();
  };

  const pump = () => {
    while (
      head < queue.length &&
      inFlight < maxInFlight &&
      pause === undefined &&
      stream.client() !== undefined &&
      !closed
    ) {
      const entry = queue[head] as Entry;
      head += 1;
      const behind = busy.get(entry.message.orderId);
      if (behind === undefined) {
        busy.set(entry.message.orderId, []);
        send(entry);
      } else {
        behind.push(entry);
        waitingBehind += 1;
      }
    }
    // Cut off what is done with, now and then: shifting one by one would move the whole array each time.
    if (head > 4_096 || (head > 0 && head === queue.length)) {
      queue = queue.slice(head);
      head = 0;
    }
  };

  const forget = () => {
    queue = [];
    head = 0;
    for (const { message } of repeats) {
      busy.delete(message.orderId);
    }
    repeats = [];
    for (const behind of busy.values()) {
      behind.length = 0;
    }
    waitingBehind = 0;
  };

  const stopListening = stream.onConnect((_client, arrival) => {
    failuresInARow = 0;
    if (arrival === "lost") {
      forget();
    }
    resume();
  });

  return {
    publish(messages, onPublished) {
      for (const message of messages) {
        queue.push({ message, published: () => onPublished(message), attempts: 0 });
      }
      pump();
    },
    publishOnce: (message) =>
      new Promise((resolve, reject) => {
        const span = tracer && isSampled(message.traceparent) ? startPublishSpan(tracer, message) : undefined;
        acks.send(span?.message ?? message, (error, _seq, duplicate) => {
          if (error === undefined) {
            span?.end(1, duplicate);
            resolve();
          } else {
            span?.fail(error);
            stream.checkStream(error);
            reject(error);
          }
        });
      }),
    unpublished: () => queue.length - head + waitingBehind + repeats.length + inFlight,
    close() {
      closed = true;
      clearTimeout(pause);
      stopListening();
      acks.close();
    },
  };
}
