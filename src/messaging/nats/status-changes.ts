import type { Msg, NatsConnection, Subscription } from "nats";
import type { StatusChanged } from "../../domain/events.ts";
import type { Logger } from "../../observability/log.ts";
import { decodeEvent } from "./codec.ts";
import type { StreamConnection } from "./connection.ts";

const STATUS_CHANGES = "oms.v1.order.status.*";

/**
 * Receives, for watchers, the status changes that other servers publish; this server's own ones are
 * not echoed, as they are known from the commit. They are hints, as anyone with access to the
 * broker may have sent them. Not durable: `onGap` is called whenever changes may have been missed.
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
}): { close(): void } {
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

  const stopListening = stream.onConnect((client) => {
    if (subscribedClient !== client) {
      subscription?.unsubscribe();
      subscription = client.subscribe(STATUS_CHANGES, { callback: (_error, message) => receive(message) });
      subscribedClient = client;
    }
    onGap();
  });

  return {
    close() {
      stopListening();
      subscription?.unsubscribe();
    },
  };
}
