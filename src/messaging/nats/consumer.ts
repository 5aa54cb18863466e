import { AckPolicy, type ConsumerInfo, DeliverPolicy, type NatsConnection, nanos } from "nats";
import { brokerErrorCode, isNotFound, STREAM_NAME } from "./topology.ts";

/** What a durable consumer is to be. */
export interface ConsumerSettings {
  /** Its name: letters, digits, `-` and `_`. */
  readonly durable: string;
  /** The one filter a consumer can have on nats-server 2.9. */
  readonly subject: string;
  /** After this long without a word, in milliseconds, a message comes again. */
  readonly ackWaitMs: number;
  /** Messages that all servers together may have in hand. */
  readonly maxAckPending: number;
}

const ALREADY_EXISTS: readonly number[] = [10013, 10148];

/**
 * Makes the consumer where it is missing, and brings one that is there to these settings. Several servers may do it at once.
 *
 * @param startSeq where a new one begins in the stream
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
        // A finite number has a bug after a kill of the broker (until 2.9.22); attempts are counted in the ledger.
        max_deliver: -1,
        ...(startSeq > 1
          ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: startSeq }
          : { deliver_policy: DeliverPolicy.All }),
      });
    } catch (error) {
      // Another server was quicker.
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

/** What the broker says of a consumer; undefined where it knows none of that name. */
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

/** Deletes a consumer; one that is not there is fine. */
export async function deleteConsumer(client: NatsConnection, durable: string): Promise<void> {
  const { consumers } = await client.jetstreamManager({ checkAPI: false });
  await consumers.delete(STREAM_NAME, durable).catch((error: unknown) => {
    if (!isNotFound(error)) {
      throw error;
    }
  });
}
