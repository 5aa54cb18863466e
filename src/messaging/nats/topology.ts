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

/** The stream that holds all events. */
export const STREAM_NAME = "OMS_EVENTS";

/** All subjects of the stream. */
export const STREAM_SUBJECTS = "oms.v1.>";

export interface TopologySettings {
  /**
   * How long the broker drops a repeated message id, in milliseconds. Longer than a published event
   * stays in the outbox, so that publishing the outbox again adds nothing.
   */
  readonly duplicateWindowMs: number;
  /**
   * How long the stream keeps an event, in milliseconds. Set when the stream is created; later
   * changes are the operator's.
   */
  readonly maxAgeMs: number;
  /** Replicas in a cluster. Set when the stream is created; later changes are the operator's. */
  readonly replicas: number;
}

export const DEFAULT_TOPOLOGY: TopologySettings = {
  duplicateWindowMs: 5 * 60_000,
  maxAgeMs: 3 * 24 * 3_600_000,
  replicas: 1,
};

/**
 * Identifies the stream: another `created` means that the messages of the previous one are gone.
 */
export interface StreamIdentity {
  readonly created: string;
}

/** A message at its place in the stream. */
export interface StoredMessage {
  readonly seq: number;
  readonly messageId: string;
}

const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const NAME_IN_USE = 10058;
const NO_MESSAGE_FOUND = 10037;
const NOT_HELD: readonly number[] = [NO_MESSAGE_FOUND, STREAM_NOT_FOUND];

/** JetStream's error code; 0 where the error has none. */
export function brokerErrorCode(error: unknown): number {
  return error instanceof NatsError ? (error.api_error?.err_code ?? 0) : 0;
}

/** Whether the stream or the consumer does not exist. */
export function isNotFound(error: unknown): boolean {
  const code = brokerErrorCode(error);
  return code === STREAM_NOT_FOUND || code === CONSUMER_NOT_FOUND;
}

/**
 * Creates the stream if it is missing, and gives an existing one the settings that correctness
 * needs; other settings of the operator stay. Several servers may call it at once.
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
    // The broker accepts no window longer than the age; an age of 0 is unlimited.
    max_age: config.max_age === 0 ? 0 : Math.max(config.max_age, window),
  });
  return { created: updated.created };
}

/**
 * Deletes the stream and creates it again, for one whose files were deleted under a running broker.
 */
export async function recreateTopology(client: NatsConnection, settings: TopologySettings): Promise<StreamIdentity> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  await manager.streams.delete(STREAM_NAME).catch((error: unknown) => {
    if (!isNotFound(error)) {
      throw error;
    }
  });
  return ensureTopology(client, settings);
}

/** Whether the stream still holds this message at its place. */
export async function holdsMessage(client: NatsConnection, { seq, messageId }: StoredMessage): Promise<boolean> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  try {
    const stored = await manager.streams.getMessage(STREAM_NAME, { seq });
    return stored.header.get(MESSAGE_ID_HEADER) === messageId;
  } catch (error) {
    if (NOT_HELD.includes(brokerErrorCode(error))) {
      return false;
    }
    throw error;
  }
}

/** Commit time of the stream's last event; undefined where the stream is empty. */
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

/** Sequence number of the stream's last message. */
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
    // Another server created it first, with other settings.
    if (brokerErrorCode(error) === NAME_IN_USE) {
      return manager.streams.info(STREAM_NAME);
    }
    throw error;
  }
}
