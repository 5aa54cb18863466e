import { setTimeout as delay } from "node:timers/promises";
import { connect, Events, type NatsConnection } from "nats";
import { withTimeout } from "../../lib/async.ts";
import type { Logger } from "../../observability/log.ts";
import { type Broker, brokerOptions, describeBrokerError } from "./broker.ts";

/** Between two attempts to reach the broker, in milliseconds. */
const RECONNECT_WAIT_MS = 250;

/** A broker that does not answer for twice this long counts as gone, in milliseconds. */
const PING_INTERVAL_MS = 5_000;

/** How long what was sent last may take to reach the broker at the end, in milliseconds. */
const LAST_FLUSH_MS = 500;

/** What a link tells of itself. */
export interface LinkListener {
  /** The broker can be spoken to; `serverId` is another one after each start of the broker. */
  onConnect(client: NatsConnection, serverId: string): void;
  onDisconnect(): void;
}

/** A connection to the broker that is made again for as long as nobody closes it. */
export interface Link {
  close(): Promise<void>;
}

/**
 * Dials until the broker answers, and again whenever it is gone. The client's own `waitOnFirstConnect` cannot be called off once it
 * waits, so the first connection is dialled from here; later ones are the client's business.
 */
export function connectWithRetry(broker: Broker, listener: LinkListener, log: Logger): Link {
  const closing = new AbortController();
  let client: NatsConnection | undefined;

  const run = async () => {
    let told = false;
    while (!closing.signal.aborted) {
      try {
        client = await connectOnce(broker);
      } catch (error) {
        if (!told) {
          log.warn(
            { reason: describeBrokerError(error, broker) },
            "the broker is out of reach; its events wait in the database",
          );
          told = true;
        }
        await pause(RECONNECT_WAIT_MS, closing.signal);
        continue;
      }
      told = false;
      await follow(client);
      client = undefined;
    }
  };

  /** Ends when the client is closed: by us, or by itself after an error that it takes as final. */
  const follow = async (live: NatsConnection) => {
    if (closing.signal.aborted) {
      await live.close();
      return;
    }
    const serverId = () => live.info?.server_id ?? "";
    log.info({ broker: live.getServer() }, "the broker is there");
    listener.onConnect(live, serverId());
    const watch = async () => {
      for await (const { type } of live.status()) {
        if (type === Events.Disconnect) {
          log.warn("the broker is gone; its events wait in the database");
          listener.onDisconnect();
        } else if (type === Events.Reconnect) {
          log.info({ broker: live.getServer() }, "the broker is back");
          listener.onConnect(live, serverId());
        }
      }
    };
    // The client does not end this iterator when it is closed.
    void watch();
    await live.closed();
    listener.onDisconnect();
  };

  const running = run();
  return {
    async close() {
      closing.abort();
      if (client !== undefined) {
        // The last acknowledgements may still be on their way out.
        await withTimeout(
          client.flush().catch(() => {}),
          LAST_FLUSH_MS,
        );
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
    // What this server publishes it knows already: see listen.ts.
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: 50,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    timeout: 2_000,
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
