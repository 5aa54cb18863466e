import type { OrderEvent } from "../../domain/events.ts";
import { createKeyedQueue, type KeyedQueue, type KeyedTask } from "../../lib/keyed-queue.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import { decodeEvent } from "../nats/codec.ts";
import type { StreamConnection } from "../nats/connection.ts";
import { type Delivery, type Subscription, subscribe } from "../nats/subscriber.ts";
import type { Action } from "./action.ts";
import type { AttemptRunner } from "./attempts.ts";
import type { PausedActions } from "./paused-actions.ts";

/**
 * Time after which the broker redelivers an unanswered message, in milliseconds: what was in flight
 * to a server that died is delivered again then. A message that waits in the queue may be delivered
 * twice; it is run once.
 */
const ACK_WAIT_MS = 10_000;

/** Maximum number of unacknowledged messages of one consumer, over all servers. */
const MAX_ACK_PENDING = 1_000;

/** Delay before a message is redelivered for which the ledger was unavailable, in milliseconds. */
const LEDGER_RETRY_MS = 1_000;

export interface ActionConsumersOptions {
  readonly action: Action;
  readonly stream: StreamConnection;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Maximum number of concurrent runs. */
  readonly concurrency: number;
  readonly attempts: AttemptRunner;
  readonly isPaused: PausedActions["isPaused"];
}

interface QueuedMessage extends KeyedTask {
  readonly messageId: string;
}

/**
 * The consumers of one Action: a durable one for each of its subjects, as a consumer of nats-server
 * 2.9 has one filter. All of them feed one queue, in which the events of an order run one after the
 * other; across servers the ledger keeps the order.
 */
export class ActionConsumers {
  readonly #options: ActionConsumersOptions;
  readonly #queue: KeyedQueue<QueuedMessage>;
  readonly #subscriptions: readonly Subscription[];
  /** Deliveries by message id: one repeated meanwhile ends with the first. */
  readonly #deliveries = new Map<string, Delivery[]>();
  #stopped = false;

  constructor(options: ActionConsumersOptions) {
    const { action, stream, log, metrics, concurrency } = options;
    this.#options = options;
    this.#queue = createKeyedQueue(concurrency);
    this.#subscriptions = action.subjects.map((subject) =>
      subscribe({
        stream,
        log,
        metrics,
        consumer: {
          durable: consumerName(action.name, subject),
          subject,
          ackWaitMs: ACK_WAIT_MS,
          maxAckPending: MAX_ACK_PENDING,
        },
        onDelivery: (delivery) => this.#receive(delivery),
      }),
    );
  }

  /**
   * Accepts nothing more, and returns what has not started to the broker; running ones continue.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    for (const { messageId } of this.#queue.removePending()) {
      this.#end(messageId, (delivery) => delivery.nak(0));
    }
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  #receive(delivery: Delivery): void {
    const { action } = this.#options;
    if (this.#stopped) {
      delivery.nak(0);
      return;
    }
    const event = this.#decode(delivery);
    if (event === undefined) {
      delivery.term();
      return;
    }
    if (!action.matches(event)) {
      delivery.ack();
      return;
    }
    const { messageId, orderId } = event;
    const repeated = this.#deliveries.get(messageId);
    if (repeated !== undefined) {
      repeated.push(delivery);
      return;
    }
    this.#deliveries.set(messageId, [delivery]);
    this.#queue.add({ messageId, key: orderId, run: () => this.#process(event, delivery) });
  }

  #decode({ subject, body, traceparent }: Delivery): OrderEvent | undefined {
    const { action, log, metrics } = this.#options;
    try {
      return decodeEvent(subject, body);
    } catch (error) {
      const fields = { action: action.name, subject, traceId: traceIdOf(traceparent()) };
      log.error({ err: error, ...fields }, "message cannot be decoded; dropped");
      metrics.actionAttempts.inc({ action: action.name, result: "undecodable" });
      return undefined;
    }
  }

  async #process(event: OrderEvent, delivery: Delivery): Promise<void> {
    const { action, ledger, log, attempts, isPaused } = this.#options;
    const { messageId } = event;
    try {
      if (await isPaused(action.name)) {
        // It stays in the ledger, and runs when the Action is resumed.
        await ledger.makeDue(messageId, action.name);
      } else {
        const claim = await ledger.claim(messageId, action.name);
        if (claim.kind === "run") {
          await attempts.run(action, claim.entry, withTrace(event, delivery));
        }
      }
      // From here on the ledger knows when the event is due.
      this.#end(messageId, (one) => one.ack());
    } catch (error) {
      log.debug({ err: error, action: action.name, messageId }, "ledger unavailable; message will be redelivered");
      this.#end(messageId, (one) => one.nak(LEDGER_RETRY_MS));
    }
  }

  #end(messageId: string, answer: (delivery: Delivery) => void): void {
    const deliveries = this.#deliveries.get(messageId) ?? [];
    this.#deliveries.delete(messageId);
    deliveries.forEach(answer);
  }
}

/** Few Actions use the trace, and parsing the headers takes longer than the rest of a delivery. */
function withTrace(event: OrderEvent, delivery: Delivery): OrderEvent {
  return {
    ...event,
    get traceparent() {
      return delivery.traceparent();
    },
  };
}

/** For example "settlement-push--order-status-6010"; `*` becomes "any". */
export function consumerName(action: string, subject: string): string {
  return `${action}--${subject
    .replace(/^oms\.v1\./, "")
    .replaceAll("*", "any")
    .replaceAll(".", "-")}`;
}
