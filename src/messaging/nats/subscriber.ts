import type { ConsumerMessages, JsMsg, NatsConnection } from "nats";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { StreamConnection } from "./connection.ts";
import { type ConsumerSettings, deleteConsumer, ensureConsumer, findConsumer } from "./consumer.ts";
import { createStallDetector } from "./stall.ts";
import { lastSequence, STREAM_NAME } from "./topology.ts";

/** A message in hand. Exactly one of `ack`, `again` and `drop` ends it; without, the broker sends it once more. */
export interface Delivery {
  readonly subject: string;
  readonly body: Uint8Array;
  /** The W3C trace; "" for none. Read from the headers when asked for. */
  traceparent(): string;
  /** It is dealt with. */
  ack(): void;
  /** Send it once more after so many milliseconds, to whomever. Short ones only: it counts as in hand meanwhile. */
  nak(afterMs: number): void;
  /** It makes no sense, and never will. */
  term(): void;
}

export interface Subscription {
  /** Takes nothing more. What is in hand can still be ended, as long as the connection is open. */
  close(): Promise<void>;
}

/** Messages asked for ahead: covers the round trip to the broker. */
const PREFETCH = 256;

/** How long a pull request lives at the broker, and how often it says that it does, in milliseconds. */
const PULL_EXPIRES_MS = 30_000;
const PULL_HEARTBEAT_MS = 5_000;

const WATCH_MS = 5_000;

/** Why a consumer is made anew, in words. */
const TROUBLES = {
  gone: "the consumer is gone",
  ahead: "the consumer is ahead of its stream",
  stalled: "the consumer stands still",
} as const;

/**
 * Takes messages off a durable consumer, for as long as nobody closes it. Opens the consumer at every arrival of the stream, and watches
 * over it: one that is missing, that stands still, or that is ahead of its stream (after a power loss) is made anew where it was.
 */
export function subscribe({
  stream,
  log,
  metrics,
  consumer,
  onDelivery,
  watchMs = WATCH_MS,
}: {
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics?: Pick<Metrics, "consumerPending" | "consumerRepairs">;
  readonly consumer: ConsumerSettings;
  /** Must not throw. */
  readonly onDelivery: (delivery: Delivery) => void;
  readonly watchMs?: number;
}): Subscription {
  let messages: ConsumerMessages | undefined;
  let closed = false;
  /** Counts the lives of the consumer: an acknowledgement for an earlier one would hit another message of the same number. */
  let life = 0;
  /** How far the consumer was acknowledged when last seen. */
  let floor = 0;
  let stall = createStallDetector();
  /** One thing at a time. */
  let doing: Promise<void> = Promise.resolve();

  const oneAtATime = (what: string, work: () => Promise<void>) => {
    doing = doing.then(async () => {
      if (closed) {
        return;
      }
      try {
        await work();
      } catch (error) {
        log.debug({ err: error, consumer: consumer.durable }, `${what} did not work; it is tried again`);
      }
    });
    return doing;
  };

  const open = async (client: NatsConnection) => {
    await messages?.close();
    messages = undefined;
    await ensureConsumer(client, consumer, floor + 1);
    const pulling = await client.jetstream().consumers.get(STREAM_NAME, consumer.durable);
    const mine = life;
    messages = await pulling.consume({
      max_messages: PREFETCH,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: PULL_HEARTBEAT_MS,
      callback: (message) => onDelivery(deliveryOf(message, () => mine === life)),
    });
  };

  const anew = async (client: NatsConnection, reason: keyof typeof TROUBLES, from: number) => {
    log.warn({ consumer: consumer.durable, from }, `${TROUBLES[reason]}: it is made anew`);
    metrics?.consumerRepairs.inc({ reason });
    life += 1;
    floor = from - 1;
    stall = createStallDetector();
    await deleteConsumer(client, consumer.durable);
    await open(client);
  };

  const watch = async (client: NatsConnection) => {
    const info = await findConsumer(client, consumer.durable);
    if (info === undefined) {
      await anew(client, "gone", floor + 1);
      return;
    }
    if (messages === undefined) {
      await open(client);
      return;
    }
    // After the consumer, so that it cannot have moved on in between.
    if (info.delivered.stream_seq > (await lastSequence(client))) {
      await anew(client, "ahead", 1);
      return;
    }
    floor = info.ack_floor.stream_seq;
    metrics?.consumerPending.set({ consumer: consumer.durable }, info.num_pending);
    const verdict = stall.check(info);
    if (verdict === "stands still") {
      log.warn({ consumer: consumer.durable }, "the consumer stands still: it is opened again");
      metrics?.consumerRepairs.inc({ reason: "slow" });
      await open(client);
    } else if (verdict === "still stands still") {
      await anew(client, "stalled", floor + 1);
    }
  };

  const stopHearing = stream.onConnect((client, arrival) => {
    if (arrival === "lost") {
      life += 1;
      floor = 0;
    }
    void oneAtATime("opening the consumer", () => open(client));
  });

  const timer = setInterval(() => {
    const client = stream.client();
    if (client !== undefined) {
      void oneAtATime("watching the consumer", () => watch(client));
    }
  }, watchMs);
  timer.unref();

  return {
    async close() {
      clearInterval(timer);
      stopHearing();
      closed = true;
      await doing;
      await messages?.close();
    },
  };
}

function deliveryOf(message: JsMsg, counts: () => boolean): Delivery {
  const end = (how: () => void) => {
    if (counts()) {
      how();
    }
  };
  return {
    subject: message.subject,
    body: message.data,
    traceparent: () => message.headers?.get("traceparent") ?? "",
    ack: () => end(() => message.ack()),
    nak: (afterMs) => end(() => message.nak(afterMs)),
    term: () => end(() => message.term()),
  };
}
