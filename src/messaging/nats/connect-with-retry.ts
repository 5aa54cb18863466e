import { setTimeout as delay } from "node:timers/promises";
import { connect, Events, type NatsConnection } from "nats";
import { withTimeout } from "../../lib/async.ts";
import type { Logger } from "../../observability/log.ts";
import { type Broker, brokerOptions, describeBrokerError } from "./broker.ts";

/** Delay between two attempts to connect, in milliseconds. */
const RECONNECT_DELAY_MS = 250;

/** A broker that misses two pings of this interval, in milliseconds, counts as disconnected. */
const PING_INTERVAL_MS = 5_000;

/** Time limit for flushing the last messages on close, in milliseconds. */
const FLUSH_TIMEOUT_MS = 500;

export interface LinkListener {
  /** The broker is reachable; it has another `serverId` after each of its starts. */
  onConnect(client: NatsConnection, serverId: string): void;
  onDisconnect(): void;
}

/** A connection that is renewed until it is closed. */
export interface Link {
  close(): Promise<void>;
}

/**
 * Connects until the broker answers, and again whenever the connection is closed. The client's own
 * `waitOnFirstConnect` cannot be cancelled, so the first connection is retried here; later ones are
 * the client's.
 */
export function connectWithRetry(broker: Broker, listener: LinkListener, log: Logger): Link {
  const closing = new AbortController();
  let client: NatsConnection | undefined;

  const run = async () => {
    let logged = false;
    while (!closing.signal.aborted) {
      try {
        client = await connectOnce(broker);
      } catch (error) {
        if (!logged) {
          const reason = describeBrokerError(error, broker);
          log.warn({ reason }, "NATS unreachable; events are buffered in the outbox");
          logged = true;
        }
        await delay(RECONNECT_DELAY_MS, undefined, { signal: closing.signal }).catch(() => {});
        continue;
      }
      logged = false;
      await follow(client);
      client = undefined;
    }
  };

  /** Resolves when the client is closed: by `close`, or by itself after a permanent error. */
  const follow = async (open: NatsConnection) => {
    if (closing.signal.aborted) {
      await open.close();
      return;
    }
    const serverId = () => open.info?.server_id ?? "";
    log.info({ broker: open.getServer() }, "NATS connected");
    listener.onConnect(open, serverId());
    const watchStatus = async () => {
      for await (const { type } of open.status()) {
        if (type === Events.Disconnect) {
          log.warn("NATS disconnected; events are buffered in the outbox");
          listener.onDisconnect();
        } else if (type === Events.Reconnect) {
          log.info({ broker: open.getServer() }, "NATS reconnected");
          listener.onConnect(open, serverId());
        }
      }
    };
    // Not awaited: the client does not end this iterator when it is closed.
    void watchStatus();
    await open.closed();
    listener.onDisconnect();
  };

  const running = run();
  return {
    async close() {
      closing.abort();
      if (client !== undefined) {
        // The last acknowledgements may still be in the client's buffer.
        const flushed = client.flush().catch(() => {});
        await withTimeout(flushed, FLUSH_TIMEOUT_MS);
        await client.close();
      }
      await running;
    },
  };
}

function connectOnce(broker: Broker): Promise<NatsConnection> {
  return connect({
    ...brokerOptions(broker),
    name: "order-status-service",
    // Watchers know this server's own changes from the commit.
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_DELAY_MS,
    reconnectJitter: 50,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    timeout: 2_000,
  });
}
