import type { Msg, NatsConnection, Subscription } from "nats";
import type { StatusChanged } from "../../domain/events.ts";
import type { Logger } from "../../observability/log.ts";
import { decodeEvent } from "./codec.ts";
import type { StreamConnection } from "./connection.ts";

/** Every status change. */
const SUBJECT = "oms.v1.order.status.*";

/**
 * Hears, for watchers, of the status changes that other servers publish; this server's own are not echoed to it, as it knows them from the
 * commit. Not durable: `onGap` is called whenever something may have been missed.
 */
export function subscribeToStatusChanges({
  stream,
  log,
  onChange,
  onGap,
}: {
  readonly stream: StreamConnection;
  readonly log: Logger;
  /** In any order, and more than once. Must not throw. */
  readonly onChange: (change: StatusChanged) => void;
  readonly onGap: () => void;
}): { close(): void } {
  let subscribed: NatsConnection | undefined;
  let subscription: Subscription | undefined;

  const hear = (message: Msg) => {
    try {
      const event = decodeEvent(message.subject, message.data);
      if (event.type === "status-changed") {
        onChange(event);
      }
    } catch (error) {
      log.warn({ err: error, subject: message.subject }, "a message of the broker makes no sense");
    }
  };

  const stopHearing = stream.onConnect((client) => {
    if (subscribed !== client) {
      subscription?.unsubscribe();
      subscription = client.subscribe(SUBJECT, { callback: (_error, message) => hear(message) });
      subscribed = client;
    }
    onGap();
  });

  return {
    close() {
      stopHearing();
      subscription?.unsubscribe();
    },
  };
}
