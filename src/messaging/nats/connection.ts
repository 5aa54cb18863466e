import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Logger } from "../../observability/log.ts";
import type { Broker } from "./broker.ts";
import { connectWithRetry } from "./connect-with-retry.ts";
import {
  DEFAULT_TOPOLOGY,
  ensureTopology,
  holdsMessage,
  recreateTopology,
  type StreamIdentity,
  type TopologySettings,
} from "./topology.ts";

/**
 * How the stream came into reach:
 * - `first`: for the first time since this server started;
 * - `resumed`: the link broke, the broker lived on;
 * - `restarted`: the broker was started anew, and still has what it acknowledged last;
 * - `lost`: it has not, or the stream is another one: anything that it held may be gone.
 */
export type ConnectionEvent = "first" | "resumed" | "restarted" | "lost";

/** The way to the broker. It may be away for as long as it likes: nothing here throws for that. */
export interface StreamConnection {
  /** The client, while the broker is in reach and has the stream; undefined otherwise. */
  client(): NatsConnection | undefined;
  /** Tells of each arrival, and at once of one that has happened already. Call what it returns to hear no more. */
  onConnect(listener: (client: NatsConnection, arrival: ConnectionEvent) => void): () => void;
  /** Tells when the broker is out of reach. */
  onDisconnect(listener: () => void): () => void;
  /** Something is odd, as this error says: the stream is looked at now, and made anew where it is gone. */
  checkStream(error: Error): void;
  /** Notes the message that the broker acknowledged last: it is looked for after the broker's next start. */
  recordAck(message: { readonly seq: number; readonly messageId: string }): void;
  close(): Promise<void>;
}

/** How often the stream is looked at while nothing seems wrong, in milliseconds. */
const CHECK_MS = 5_000;

/** Between two attempts to make the stream, as right after a broker's start, in milliseconds. */
const TOPOLOGY_RETRY_MS = 250;

/** After so long it is worth a word, in milliseconds. */
const TOPOLOGY_PATIENCE_MS = 4_000;

/**
 * The broker's own word (nats-server 2.9) for a stream whose directory was deleted under it: it takes no more messages, and knows the
 * stream as if nothing had happened. Not the word for a full disk.
 */
const FILES_ARE_GONE = /no such file or directory/;

/** Keeps a connection to the broker, with the stream in it. Returns at once, whether the broker is there or not. */
export function connectStream({
  log,
  topology = DEFAULT_TOPOLOGY,
  checkMs = CHECK_MS,
  ...broker
}: Broker & {
  readonly log: Logger;
  readonly topology?: TopologySettings;
  readonly checkMs?: number;
}): StreamConnection {
  const arrivalListeners = new Set<(client: NatsConnection, arrival: ConnectionEvent) => void>();
  const awayListeners = new Set<() => void>();
  let ready: NatsConnection | undefined;
  let server = "";
  let life: StreamIdentity | undefined;
  let last: { readonly seq: number; readonly messageId: string } | undefined;
  /** Counts the links: whatever was begun on an earlier one is void. */
  let epoch = 0;
  let looking: Promise<void> | undefined;

  const arrive = (client: NatsConnection, serverId: string, now: StreamIdentity, arrival: ConnectionEvent) => {
    if (arrival === "lost") {
      log.warn("the stream has lost what it held: what may still be needed is published again from the database");
      last = undefined;
    }
    life = now;
    server = serverId;
    ready = client;
    for (const listener of arrivalListeners) {
      listener(client, arrival);
    }
  };

  const arrivalOf = async (client: NatsConnection, serverId: string, now: StreamIdentity): Promise<ConnectionEvent> => {
    if (life === undefined) {
      return "first";
    }
    if (life.created !== now.created) {
      return "lost";
    }
    if (server === serverId) {
      return "resumed";
    }
    return last === undefined || (await holdsMessage(client, last)) ? "restarted" : "lost";
  };

  const up = async (client: NatsConnection, serverId: string) => {
    epoch += 1;
    const mine = epoch;
    const since = performance.now();
    let told = false;
    while (mine === epoch) {
      try {
        const now = await ensureTopology(client, topology);
        const arrival = await arrivalOf(client, serverId, now);
        if (mine === epoch) {
          arrive(client, serverId, now, arrival);
        }
        return;
      } catch (error) {
        log.debug({ err: error }, "the stream is not there yet");
        if (!told && performance.now() - since > TOPOLOGY_PATIENCE_MS) {
          const reason = (error as Error).message;
          log.warn({ reason }, "the stream cannot be made: does the broker have JetStream, and this user the rights?");
          told = true;
        }
        await delay(TOPOLOGY_RETRY_MS);
      }
    }
  };

  const down = () => {
    epoch += 1;
    if (ready !== undefined) {
      ready = undefined;
      for (const listener of awayListeners) {
        listener();
      }
    }
  };

  const look = async (filesAreGone: boolean) => {
    const client = ready;
    const mine = epoch;
    if (client === undefined) {
      return;
    }
    try {
      const now = await (filesAreGone ? recreateTopology : ensureTopology)(client, topology);
      if (mine === epoch && now.created !== life?.created) {
        arrive(client, server, now, "lost");
      }
    } catch (error) {
      log.debug({ err: error }, "the stream could not be looked at");
    }
  };

  const lookOnce = (filesAreGone: boolean) => {
    looking ??= look(filesAreGone).finally(() => {
      looking = undefined;
    });
  };

  const link = connectWithRetry(
    broker,
    { onConnect: (client, serverId) => void up(client, serverId), onDisconnect: down },
    log,
  );
  const timer = setInterval(() => lookOnce(false), checkMs);
  timer.unref();

  return {
    client: () => ready,
    onConnect(listener) {
      arrivalListeners.add(listener);
      if (ready !== undefined) {
        listener(ready, "first");
      }
      return () => arrivalListeners.delete(listener);
    },
    onDisconnect(listener) {
      awayListeners.add(listener);
      return () => awayListeners.delete(listener);
    },
    checkStream: (error) => lookOnce(FILES_ARE_GONE.test(error.message)),
    recordAck(message) {
      last = message;
    },
    async close() {
      clearInterval(timer);
      down();
      await link.close();
      await looking;
    },
  };
}
