import { AckPolicy, type ConsumerInfo, DeliverPolicy, type NatsConnection, nanos } from "nats";
import { brokerErrorCode, isNotFound, STREAM_NAME } from "./topology.ts";

/** Settings of a durable consumer. */
export interface ConsumerSettings {
  /** Its name: letters, digits, `-` and `_`. */
  readonly durable: string;
  /** The filter; a consumer has only one on nats-server 2.9. */
  readonly subject: string;
  /** Time without an answer after which a message is redelivered, in milliseconds. */
  readonly ackWaitMs: number;
  /** Maximum number of unacknowledged messages, over all servers. */
  readonly maxAckPending: number;
}

const ALREADY_EXISTS: readonly number[] = [10013, 10148];

/**
 * Creates the consumer if it is missing, and gives an existing one these settings. Several servers
 * may call it at once.
 *
 * @param startSeq where a new consumer starts in the stream
 */
export async function ensureConsumer(
  client: NatsConnection,
  settings: ConsumerSettings,
  startSeq: number,
): Promise<ConsumerInfo> {
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  const found = await findConsumer(client, settings.durable);
  if (found === undefined) {
    try {
      return await consumers.add(STREAM_NAME, {
        durable_name: settings.durable,
        filter_subject: settings.subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(settings.ackWaitMs),
        max_ack_pending: settings.maxAckPending,
        // A limit has a bug after a kill of the broker (until 2.9.22); the ledger counts attempts.
        max_deliver: -1,
        ...(startSeq > 1
          ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: startSeq }
          : { deliver_policy: DeliverPolicy.All }),
      });
    } catch (error) {
      // Another server created it first.
      if (ALREADY_EXISTS.includes(brokerErrorCode(error))) {
        return consumers.info(STREAM_NAME, settings.durable);
      }
      throw error;
    }
  }
  const { ack_wait, max_ack_pending } = found.config;
  if (ack_wait === nanos(settings.ackWaitMs) && max_ack_pending === settings.maxAckPending) {
    return found;
  }
  return consumers.update(STREAM_NAME, settings.durable, {
    ...found.config,
    ack_wait: nanos(settings.ackWaitMs),
    max_ack_pending: settings.maxAckPending,
  });
}

/** The consumer's state; undefined where it does not exist. */
export async function findConsumer(client: NatsConnection, durable: string): Promise<ConsumerInfo | undefined> {
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  try {
    return await consumers.info(STREAM_NAME, durable);
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Deletes a consumer, if it exists. */
export async function deleteConsumer(client: NatsConnection, durable: string): Promise<void> {
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  await consumers.delete(STREAM_NAME, durable).catch((error: unknown) => {
    if (!isNotFound(error)) {
      throw error;
    }
  });
}

/** What the stall detector reads of a consumer's state. */
export type ConsumerProgress = Pick<ConsumerInfo, "num_pending" | "num_ack_pending"> & {
  readonly delivered: Pick<ConsumerInfo["delivered"], "consumer_seq">;
  readonly config: Pick<ConsumerInfo["config"], "max_ack_pending">;
};

/** `stalled`: for the first time; `still-stalled`: again, although it was reopened. */
export type StallVerdict = "ok" | "stalled" | "still-stalled";

/** Checks without progress that make a stall. */
const STALL_CHECKS = 3;

/**
 * Detects a consumer that has messages to deliver, may deliver them, and does not. Create a new
 * detector when the consumer was recreated.
 */
export function createStallDetector(): { check(consumer: ConsumerProgress): StallVerdict } {
  let delivered = -1;
  let withoutProgress = 0;
  return {
    check(consumer) {
      const { consumer_seq } = consumer.delivered;
      const limit = consumer.config.max_ack_pending ?? Number.POSITIVE_INFINITY;
      const idle = consumer.num_pending === 0 || consumer.num_ack_pending >= limit;
      if (idle || consumer_seq !== delivered) {
        delivered = consumer_seq;
        withoutProgress = 0;
        return "ok";
      }
      withoutProgress += 1;
      if (withoutProgress === STALL_CHECKS) {
        return "stalled";
      }
      return withoutProgress === 2 * STALL_CHECKS ? "still-stalled" : "ok";
    },
  };
}
