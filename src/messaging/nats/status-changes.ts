import type { Msg, NatsConnection, Subscription } from "nats";
import type { StatusChanged } from "../../domain/events.ts";
import type { Logger } from "../../observability/log.ts";
import { decodeEvent } from "./codec.ts";
import type { StreamConnection } from "./connection.ts";

const STATUS_CHANGES = "oms.v1.order.status.*";

/** A subscription that is active only on demand. */
export interface StatusChangeSubscription {
  /** Subscribes, or ends the subscription. */
  setActive(active: boolean): void;
  close(): void;
}

/**
 * Receives, for watchers, the status changes that other servers publish; this server's own ones are
 * not echoed, as they are known from the commit. They are hints, as anyone with access to the
 * broker may have sent them. Not durable: `onGap` is called whenever changes may have been missed,
 * at first once the broker knows the subscription.
 */
export function subscribeToStatusChanges({
  stream,
  log,
  onChange,
  onGap,
}: {
  readonly stream: StreamConnection;
  readonly log: Logger;
  /** In any order, and possibly repeated. Must not throw. */
  readonly onChange: (change: StatusChanged) => void;
  readonly onGap: () => void;
}): StatusChangeSubscription {
  let active = false;
  let subscribedClient: NatsConnection | undefined;
  let subscription: Subscription | undefined;

  const receive = (message: Msg) => {
    try {
      const event = decodeEvent(message.subject, message.data);
      if (event.type === "status-changed") {
        onChange(event);
      }
    } catch (error) {
      log.warn({ err: error, subject: message.subject }, "message cannot be decoded; ignored");
    }
  };

  const unsubscribe = () => {
    subscription?.unsubscribe();
    subscription = undefined;
    subscribedClient = undefined;
  };

  const subscribe = async (client: NatsConnection) => {
    if (subscribedClient !== client) {
      unsubscribe();
      subscription = client.subscribe(STATUS_CHANGES, { callback: (_error, message) => receive(message) });
      subscribedClient = client;
    }
    const current = subscription;
    try {
      // Changes published before the broker knows the subscription are read from the history.
      await client.flush();
    } catch (error) {
      // The connection broke; the next one calls again.
      log.debug({ err: error }, "subscription to status changes interrupted");
    }
    if (current === subscription && current !== undefined) {
      onGap();
    }
  };

  const stopListening = stream.onConnect((client) => {
    if (active) {
      void subscribe(client);
    }
  });

  return {
    setActive(wanted) {
      if (wanted === active) {
        return;
      }
      active = wanted;
      const client = stream.client();
      if (!wanted) {
        unsubscribe();
      } else if (client !== undefined) {
        void subscribe(client);
      }
    },
    close() {
      stopListening();
      active = false;
      unsubscribe();
    },
  };
}
