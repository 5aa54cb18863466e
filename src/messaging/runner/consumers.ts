import type { OrderEvent } from "../../domain/events.ts";
import { createKeyedQueue, type KeyedTask } from "../../lib/keyed-queue.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import { decodeEvent } from "../nats/codec.ts";
import type { StreamConnection } from "../nats/connection.ts";
import { type Delivery, subscribe } from "../nats/subscriber.ts";
import type { Action } from "./action.ts";
import type { RunAttempt } from "./attempts.ts";
import type { PausedActions } from "./paused-actions.ts";

/**
 * How long the broker waits for a word on a message before it sends it once more, in milliseconds: what was under way to a server that died
 * comes again so soon. A message that merely waits its turn may come twice; it is run once.
 */
const ACK_WAIT_MS = 10_000;

/** Messages of one consumer that all servers together may have in hand. */
const MAX_ACK_PENDING = 1_000;

/** When a message comes again that the ledger could not be asked about, in milliseconds. */
const ASK_AGAIN_MS = 1_000;

/**
 * One Action's subscriptions: a durable consumer for each of its subjects, as nats-server 2.9 has one filter each. All of them feed one
 * lane, so that the events of an order wait for each other whatever their subject; across consumers and servers the ledger keeps the order.
 */
export function startActionConsumers({
  action,
  stream,
  ledger,
  log,
  metrics,
  concurrency,
  attempt,
  held,
}: {
  readonly action: Action;
  readonly stream: StreamConnection;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly concurrency: number;
  readonly attempt: RunAttempt;
  readonly held: PausedActions["isPaused"];
}): { stop(): Promise<void>; idle(): Promise<void> } {
  const lane = createKeyedQueue<KeyedTask & { readonly messageId: string }>(concurrency);
  /** Messages in hand, by id: one that comes again meanwhile ends with the first. */
  const inHand = new Map<string, Delivery[]>();
  let stopped = false;

  const end = (messageId: string, how: (delivery: Delivery) => void) => {
    const deliveries = inHand.get(messageId) ?? [];
    inHand.delete(messageId);
    deliveries.forEach(how);
  };

  const deal = async (event: OrderEvent, delivery: Delivery) => {
    const { messageId } = event;
    try {
      if (await held(action.name)) {
        // It waits in the ledger, and runs as soon as the Action goes on.
        await ledger.setDue(messageId, action.name);
        end(messageId, (one) => one.ack());
        return;
      }
      const claim = await ledger.claim(messageId, action.name);
      if (claim.kind === "run") {
        // Few look at the trace, and reading the headers takes longer than the rest of a delivery.
        const traced = {
          ...event,
          get traceparent() {
            return delivery.traceparent();
          },
        };
        await attempt(action, claim.entry, traced);
      }
      // Whatever the ledger said: from here on it knows when this is due.
      end(messageId, (one) => one.ack());
    } catch (error) {
      log.debug({ err: error, action: action.name, messageId }, "the ledger is out of reach");
      end(messageId, (one) => one.nak(ASK_AGAIN_MS));
    }
  };

  const take = (delivery: Delivery) => {
    if (stopped) {
      delivery.nak(0);
      return;
    }
    let event: OrderEvent;
    try {
      event = decodeEvent(delivery.subject, delivery.body);
    } catch (error) {
      const about = { action: action.name, subject: delivery.subject, traceId: traceIdOf(delivery.traceparent()) };
      log.error({ err: error, ...about }, "a message cannot be read: dropped");
      metrics.actionAttempts.inc({ action: action.name, result: "undecodable" });
      delivery.term();
      return;
    }
    if (!action.matches(event)) {
      delivery.ack();
      return;
    }
    const twin = inHand.get(event.messageId);
    if (twin !== undefined) {
      twin.push(delivery);
      return;
    }
    const { messageId, orderId } = event;
    inHand.set(messageId, [delivery]);
    lane.add({ messageId, key: orderId, run: () => deal(event, delivery) });
  };

  const subscriptions = action.subjects.map((subject) =>
    subscribe({
      stream,
      log,
      metrics,
      consumer: {
        durable: consumerName(action.name, subject),
        subject,
        ackWaitMs: ACK_WAIT_MS,
        maxAckPending: MAX_ACK_PENDING,
      },
      onDelivery: take,
    }),
  );

  return {
    async stop() {
      stopped = true;
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      // What has not begun goes to whoever is there.
      for (const { messageId } of lane.removePending()) {
        end(messageId, (delivery) => delivery.nak(0));
      }
    },
    idle: () => lane.idle(),
  };
}

/** For example "settlement-push--order-status-6010"; `*` becomes "any". */
export function consumerName(action: string, subject: string): string {
  return `${action}--${subject
    .replace(/^oms\.v1\./, "")
    .replaceAll("*", "any")
    .replaceAll(".", "-")}`;
}
