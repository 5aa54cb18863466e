import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Broker } from "./broker.ts";
import { connectWithRetry, type Link } from "./connect-with-retry.ts";
import {
  DEFAULT_TOPOLOGY,
  ensureTopology,
  holdsMessage,
  recreateTopology,
  type StoredMessage,
  type StreamIdentity,
  type TopologySettings,
} from "./topology.ts";

/**
 * How the stream became available:
 * - `first`: for the first time since this server started;
 * - `resumed`: after a disconnect, with the broker still running;
 * - `restarted`: after a restart of the broker, with the last acknowledged message still stored;
 * - `lost`: without it, or as another stream: everything it held may be gone.
 */
export type ConnectionEvent = "first" | "resumed" | "restarted" | "lost";

type ConnectListener = (client: NatsConnection, event: ConnectionEvent) => void;

/** The connection to the stream. Nothing here fails because the broker is unreachable. */
export interface StreamConnection {
  /** The NATS client while the broker is reachable and has the stream; undefined otherwise. */
  client(): NatsConnection | undefined;
  /**
   * Calls the listener each time the stream becomes available, and at once if it is.
   *
   * @returns removes the listener
   */
  onConnect(listener: ConnectListener): () => void;
  /**
   * Calls the listener when the broker becomes unreachable.
   *
   * @returns removes the listener
   */
  onDisconnect(listener: () => void): () => void;
  /** Checks the stream now because of this error, and recreates it if it is gone. */
  checkStream(error: Error): void;
  /** Records the last acknowledged message, which is looked up after the broker's next start. */
  recordAck(message: StoredMessage): void;
  close(): Promise<void>;
}

/** Interval between routine checks of the stream, in milliseconds. */
const CHECK_INTERVAL_MS = 5_000;

/**
 * Delay between two attempts to create the stream, in milliseconds: the broker has just started.
 */
const TOPOLOGY_RETRY_MS = 250;

/** Time without success after which the attempts are logged, in milliseconds. */
const TOPOLOGY_WARN_AFTER_MS = 4_000;

/**
 * What nats-server 2.9 answers for a stream whose directory was deleted: it stores nothing more,
 * and still reports the stream as existing. A full disk has another text.
 */
const FILES_DELETED = /no such file or directory/;

export interface StreamConnectionOptions extends Broker {
  readonly log: Logger;
  readonly topology?: TopologySettings;
  /** In milliseconds. */
  readonly checkIntervalMs?: number;
}

/** Keeps a connection to the broker and the stream in it. Returns at once, connected or not. */
export function connectStream(options: StreamConnectionOptions): StreamConnection {
  return new Connection(options);
}

class Connection implements StreamConnection {
  readonly #log: Logger;
  readonly #topology: TopologySettings;
  readonly #link: Link;
  readonly #checks: PollLoop;
  readonly #connectListeners = new Set<ConnectListener>();
  readonly #disconnectListeners = new Set<() => void>();
  /** Set while the stream is available. */
  #client: NatsConnection | undefined;
  /** The broker process and the stream when the stream was last available. */
  #serverId = "";
  #stream: StreamIdentity | undefined;
  #lastAck: StoredMessage | undefined;
  /** Incremented at each connect and disconnect: what began in an earlier epoch has no effect. */
  #epoch = 0;
  #check: Promise<void> | undefined;

  constructor({
    log,
    topology = DEFAULT_TOPOLOGY,
    checkIntervalMs = CHECK_INTERVAL_MS,
    ...broker
  }: StreamConnectionOptions) {
    this.#log = log;
    this.#topology = topology;
    const listener = {
      onConnect: (client: NatsConnection, serverId: string) => void this.#connected(client, serverId),
      onDisconnect: () => this.#disconnected(),
    };
    this.#link = connectWithRetry(broker, listener, log);
    this.#checks = createPollLoop(() => this.#checkOnce(ensureTopology), {
      intervalMs: checkIntervalMs,
      initialDelayMs: checkIntervalMs,
    });
  }

  client(): NatsConnection | undefined {
    return this.#client;
  }

  onConnect(listener: ConnectListener): () => void {
    this.#connectListeners.add(listener);
    if (this.#client !== undefined) {
      listener(this.#client, "first");
    }
    return () => this.#connectListeners.delete(listener);
  }

  onDisconnect(listener: () => void): () => void {
    this.#disconnectListeners.add(listener);
    return () => this.#disconnectListeners.delete(listener);
  }

  checkStream({ message }: Error): void {
    void this.#checkOnce(FILES_DELETED.test(message) ? recreateTopology : ensureTopology);
  }

  recordAck(message: StoredMessage): void {
    this.#lastAck = message;
  }

  async close(): Promise<void> {
    const checksStopped = this.#checks.stop();
    this.#disconnected();
    await this.#link.close();
    await Promise.all([checksStopped, this.#check]);
  }

  /** Waits for the stream, and announces it. */
  async #connected(client: NatsConnection, serverId: string): Promise<void> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    const start = performance.now();
    let logged = false;
    while (epoch === this.#epoch) {
      try {
        const stream = await ensureTopology(client, this.#topology);
        const event = await this.#eventFor(client, serverId, stream);
        if (epoch === this.#epoch) {
          this.#available(client, serverId, stream, event);
        }
        return;
      } catch (error) {
        this.#log.debug({ err: error }, "stream not available yet; retrying");
        if (!logged && performance.now() - start > TOPOLOGY_WARN_AFTER_MS) {
          const reason = (error as Error).message;
          this.#log.warn({ reason }, "stream cannot be created: check JetStream and the user's permissions");
          logged = true;
        }
        await delay(TOPOLOGY_RETRY_MS);
      }
    }
  }

  #disconnected(): void {
    this.#epoch += 1;
    if (this.#client !== undefined) {
      this.#client = undefined;
      for (const listener of this.#disconnectListeners) {
        listener();
      }
    }
  }

  async #eventFor(client: NatsConnection, serverId: string, stream: StreamIdentity): Promise<ConnectionEvent> {
    if (this.#stream === undefined) {
      return "first";
    }
    if (this.#stream.created !== stream.created) {
      return "lost";
    }
    if (this.#serverId === serverId) {
      return "resumed";
    }
    return this.#lastAck === undefined || (await holdsMessage(client, this.#lastAck)) ? "restarted" : "lost";
  }

  #available(client: NatsConnection, serverId: string, stream: StreamIdentity, event: ConnectionEvent): void {
    if (event === "lost") {
      this.#log.warn("stream lost its messages; republishing from the outbox table");
      this.#lastAck = undefined;
    }
    this.#stream = stream;
    this.#serverId = serverId;
    this.#client = client;
    for (const listener of this.#connectListeners) {
      listener(client, event);
    }
  }

  /** Concurrent checks become one. */
  #checkOnce(restore: typeof ensureTopology): Promise<void> {
    this.#check ??= this.#runCheck(restore).finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  async #runCheck(restore: typeof ensureTopology): Promise<void> {
    const client = this.#client;
    const epoch = this.#epoch;
    if (client === undefined) {
      return;
    }
    try {
      const stream = await restore(client, this.#topology);
      if (epoch === this.#epoch && stream.created !== this.#stream?.created) {
        this.#available(client, this.#serverId, stream, "lost");
      }
    } catch (error) {
      this.#log.debug({ err: error }, "stream check failed");
    }
  }
}
