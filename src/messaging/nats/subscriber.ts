import type { ConsumerMessages, JsMsg, NatsConnection } from "nats";
import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { StreamConnection } from "./connection.ts";
import {
  type ConsumerSettings,
  createStallDetector,
  deleteConsumer,
  ensureConsumer,
  findConsumer,
} from "./consumer.ts";
import { lastSequence, STREAM_NAME } from "./topology.ts";

/**
 * A delivered message. Exactly one of `ack`, `nak` and `term` ends it; without, it is redelivered.
 */
export interface Delivery {
  readonly subject: string;
  readonly body: Uint8Array;
  /** The W3C trace; "" for none. Parses the headers when called. */
  traceparent(): string;
  /** The message is dealt with. */
  ack(): void;
  /**
   * Redeliver it after this delay, in milliseconds, to any server. Short ones only: the message
   * counts as unacknowledged until then.
   */
  nak(delayMs: number): void;
  /** Never redeliver it: it cannot be processed. */
  term(): void;
}

export interface Subscription {
  /** Accepts no further message. Delivered ones can still be ended while the connection is open. */
  close(): Promise<void>;
}

/** Messages requested ahead: covers the round trip to the broker. */
const PREFETCH = 256;

/** Lifetime of a pull request, and interval between its heartbeats, in milliseconds. */
const PULL_EXPIRES_MS = 30_000;
const PULL_HEARTBEAT_MS = 5_000;

const CHECK_INTERVAL_MS = 5_000;

/** Why a consumer is recreated. */
const DEFECTS = {
  gone: "consumer deleted",
  ahead: "consumer is ahead of its stream",
  stalled: "consumer stalled",
} as const;

export interface SubscriberOptions {
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics?: Pick<Metrics, "consumerPending" | "consumerRepairs">;
  readonly consumer: ConsumerSettings;
  /** Must not throw. */
  readonly onDelivery: (delivery: Delivery) => void;
  /** In milliseconds. */
  readonly checkIntervalMs?: number;
}

/**
 * Consumes a durable consumer until it is closed. Opens the consumer whenever the stream becomes
 * available, and checks it: one that is missing, stalled, or ahead of its stream (after a power
 * loss) is recreated where it was.
 */
export function subscribe(options: SubscriberOptions): Subscription {
  return new Subscriber(options);
}

class Subscriber implements Subscription {
  readonly #options: SubscriberOptions;
  readonly #stopListening: () => void;
  readonly #checks: PollLoop;
  #messages: ConsumerMessages | undefined;
  /**
   * Incremented when the consumer is recreated: an answer to an earlier one would end another
   * message of the same number.
   */
  #generation = 0;
  /** The consumer's acknowledged position at the last check. */
  #ackFloor = 0;
  #stall = createStallDetector();
  /** The last task; tasks run one after the other. */
  #tasks: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    const { stream, checkIntervalMs = CHECK_INTERVAL_MS } = options;
    this.#stopListening = stream.onConnect((client, event) => {
      if (event === "lost") {
        this.#generation += 1;
        this.#ackFloor = 0;
      }
      void this.#run("open", () => this.#open(client));
    });
    const check = async () => {
      const client = stream.client();
      if (client !== undefined) {
        await this.#run("check", () => this.#check(client));
      }
    };
    this.#checks = createPollLoop(check, { intervalMs: checkIntervalMs, initialDelayMs: checkIntervalMs });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    await Promise.all([this.#checks.stop(), this.#tasks]);
    await this.#messages?.close();
  }

  #run(task: "open" | "check", work: () => Promise<void>): Promise<void> {
    const { log, consumer } = this.#options;
    this.#tasks = this.#tasks.then(async () => {
      if (this.#closed) {
        return;
      }
      try {
        await work();
      } catch (error) {
        log.debug({ err: error, consumer: consumer.durable, task }, "consumer task failed; retrying");
      }
    });
    return this.#tasks;
  }

  async #open(client: NatsConnection): Promise<void> {
    const { consumer, onDelivery } = this.#options;
    await this.#messages?.close();
    this.#messages = undefined;
    await ensureConsumer(client, consumer, this.#ackFloor + 1);
    const pull = await client.jetstream().consumers.get(STREAM_NAME, consumer.durable);
    const generation = this.#generation;
    this.#messages = await pull.consume({
      max_messages: PREFETCH,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: PULL_HEARTBEAT_MS,
      callback: (message) => onDelivery(deliveryOf(message, () => generation === this.#generation)),
    });
  }

  async #recreate(client: NatsConnection, defect: keyof typeof DEFECTS, startSeq: number): Promise<void> {
    const { log, metrics, consumer } = this.#options;
    log.warn({ consumer: consumer.durable, startSeq }, `${DEFECTS[defect]}; recreating it`);
    metrics?.consumerRepairs.inc({ reason: defect });
    this.#generation += 1;
    this.#ackFloor = startSeq - 1;
    this.#stall = createStallDetector();
    await deleteConsumer(client, consumer.durable);
    await this.#open(client);
  }

  async #check(client: NatsConnection): Promise<void> {
    const { log, metrics, consumer } = this.#options;
    const info = await findConsumer(client, consumer.durable);
    if (info === undefined) {
      await this.#recreate(client, "gone", this.#ackFloor + 1);
      return;
    }
    if (this.#messages === undefined) {
      await this.#open(client);
      return;
    }
    // Read after the consumer, which cannot have moved on in between.
    if (info.delivered.stream_seq > (await lastSequence(client))) {
      await this.#recreate(client, "ahead", 1);
      return;
    }
    this.#ackFloor = info.ack_floor.stream_seq;
    metrics?.consumerPending.set({ consumer: consumer.durable }, info.num_pending);
    const verdict = this.#stall.check(info);
    if (verdict === "stalled") {
      log.warn({ consumer: consumer.durable }, "consumer stalled; reopening it");
      metrics?.consumerRepairs.inc({ reason: "slow" });
      await this.#open(client);
    } else if (verdict === "still-stalled") {
      await this.#recreate(client, "stalled", this.#ackFloor + 1);
    }
  }
}

/**
 * @param isCurrent false once the consumer was recreated: the message is then another consumer's to
 *   end
 */
function deliveryOf(message: JsMsg, isCurrent: () => boolean): Delivery {
  const end = (answer: () => void) => {
    if (isCurrent()) {
      answer();
    }
  };
  return {
    subject: message.subject,
    body: message.data,
    traceparent: () => message.headers?.get("traceparent") ?? "",
    ack: () => end(() => message.ack()),
    nak: (delayMs) => end(() => message.nak(delayMs)),
    term: () => end(() => message.term()),
  };
}
