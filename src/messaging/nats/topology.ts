import {
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from "nats";
import { MESSAGE_ID_HEADER, TIME_HEADER } from "./envelope.ts";

/** The stream that all events are in. */
export const STREAM_NAME = "OMS_EVENTS";

/** Everything the stream takes. */
export const STREAM_SUBJECTS = "oms.v1.>";

export interface TopologySettings {
  /**
   * How long the broker drops repeats of a message id, in milliseconds. Longer than a published event stays in the outbox, so that
   * publishing the outbox again adds nothing.
   */
  readonly duplicateWindowMs: number;
  /** How long other systems can come back for an event, in milliseconds; asked for when the stream is made, then the operator's. */
  readonly maxAgeMs: number;
  /** Copies in a cluster; asked for when the stream is made, then the operator's. */
  readonly replicas: number;
}

export const DEFAULT_TOPOLOGY: TopologySettings = {
  duplicateWindowMs: 5 * 60_000,
  maxAgeMs: 3 * 24 * 3_600_000,
  replicas: 1,
};

/** One life of the stream: another `created` means that what the one before held is gone. */
export interface StreamIdentity {
  readonly created: string;
}

const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const NAME_IN_USE = 10058;
const NO_MESSAGE_FOUND = 10037;
const NOT_HELD: readonly number[] = [NO_MESSAGE_FOUND, STREAM_NOT_FOUND];

/** The broker's own number for what went wrong, 0 where it gave none. */
export function brokerErrorCode(error: unknown): number {
  return error instanceof NatsError ? (error.api_error?.err_code ?? 0) : 0;
}

/** The stream or the consumer that was asked for is not there. */
export function isNotFound(error: unknown): boolean {
  const code = brokerErrorCode(error);
  return code === STREAM_NOT_FOUND || code === CONSUMER_NOT_FOUND;
}

/**
 * Makes the stream where it is missing, and brings one that is there to what correctness needs of it; whatever else an operator has set
 * stays. Several servers may do it at once.
 */
export async function ensureTopology(client: NatsConnection, settings: TopologySettings): Promise<StreamIdentity> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  const found = (await inspect(manager)) ?? (await create(manager, settings));
  const { config } = found;
  const suits = config.subjects?.includes(STREAM_SUBJECTS) === true;
  const window = Math.max(config.duplicate_window, nanos(settings.duplicateWindowMs));
  if (suits && window === config.duplicate_window) {
    return { created: found.created };
  }
  const updated = await manager.streams.update(STREAM_NAME, {
    ...config,
    subjects: suits ? config.subjects : [STREAM_SUBJECTS],
    duplicate_window: window,
    // The broker takes no window beyond the age; 0 is for ever.
    max_age: config.max_age === 0 ? 0 : Math.max(config.max_age, window),
  });
  return { created: updated.created };
}

/** Deletes the stream and makes it anew: for one whose files are gone while the broker still believes in them. */
export async function recreateTopology(client: NatsConnection, settings: TopologySettings): Promise<StreamIdentity> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  await manager.streams.delete(STREAM_NAME).catch((error: unknown) => {
    if (!isNotFound(error)) {
      throw error;
    }
  });
  return ensureTopology(client, settings);
}

/** Whether the stream still holds this message at this place. */
export async function holdsMessage(
  client: NatsConnection,
  message: { readonly seq: number; readonly messageId: string },
): Promise<boolean> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  try {
    const stored = await manager.streams.getMessage(STREAM_NAME, { seq: message.seq });
    return stored.header.get(MESSAGE_ID_HEADER) === message.messageId;
  } catch (error) {
    if (NOT_HELD.includes(brokerErrorCode(error))) {
      return false;
    }
    throw error;
  }
}

/** When the event was committed that the stream's last message tells of; undefined where the stream is empty. */
export async function lastEventTime(client: NatsConnection): Promise<Date | undefined> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { state } = await manager.streams.info(STREAM_NAME);
  if (state.messages === 0) {
    return undefined;
  }
  const { header } = await manager.streams.getMessage(STREAM_NAME, { seq: state.last_seq });
  const time = new Date(header.get(TIME_HEADER));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** The number of the stream's last message. */
export async function lastSequence(client: NatsConnection): Promise<number> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  return (await manager.streams.info(STREAM_NAME)).state.last_seq;
}

async function inspect(manager: JetStreamManager): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(STREAM_NAME);
  } catch (error) {
    if (brokerErrorCode(error) === STREAM_NOT_FOUND) {
      return undefined;
    }
    throw error;
  }
}

async function create(manager: JetStreamManager, settings: TopologySettings): Promise<StreamInfo> {
  try {
    return await manager.streams.add({
      name: STREAM_NAME,
      subjects: [STREAM_SUBJECTS],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_age: nanos(settings.maxAgeMs),
      duplicate_window: nanos(settings.duplicateWindowMs),
      num_replicas: settings.replicas,
    });
  } catch (error) {
    // Another server, with other settings, was quicker.
    if (brokerErrorCode(error) === NAME_IN_USE) {
      return manager.streams.info(STREAM_NAME);
    }
    throw error;
  }
}
