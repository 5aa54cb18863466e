/**
 * A control: a relay without a ledger and without republishing. An event is published to JetStream right after its commit, and each Action
 * has a durable consumer that runs it at delivery and acknowledges it when it is done. What the broker had and loses is lost.
 */
import { decodeEvent } from "../../src/messaging/nats/codec.ts";
import { type Delivery, subscribe } from "../../src/messaging/nats/subscriber.ts";
import type { Action } from "../../src/messaging/runner/action.ts";
import { consumerName } from "../../src/messaging/runner/consumers.ts";
import { runControl, runOnce } from "./service.ts";

/** How long the broker waits for an acknowledgement, and when a message comes again whose Action failed, in milliseconds. */
const ACK_WAIT_MS = 10_000;
const AGAIN_MS = 200;

const MAX_ACK_PENDING = 1_000;

await runControl(({ actions, stream, publisher, log, timeoutMs }) => {
  const take = async (action: Action, delivery: Delivery) => {
    const event = decodeEvent(delivery.subject, delivery.body, delivery.traceparent());
    if (!action.matches(event) || (await runOnce(action, event, timeoutMs)) === "done") {
      delivery.ack();
    } else {
      delivery.nak(AGAIN_MS);
    }
  };
  for (const action of actions) {
    for (const subject of action.subjects) {
      subscribe({
        stream,
        log,
        consumer: {
          durable: consumerName(action.name, subject),
          subject,
          ackWaitMs: ACK_WAIT_MS,
          maxAckPending: MAX_ACK_PENDING,
        },
        onDelivery: (delivery) => void take(action, delivery),
      });
    }
  }
  return (committed) =>
    publisher.publish(
      committed.map(({ row }) => row),
      () => {},
    );
});
