/**
 * Negative control: a relay without ledger and republishing. An event is published to JetStream
 * after its commit; each Action has a durable consumer that runs it on delivery and acknowledges it
 * when it is done. Messages that the broker loses are lost.
 */
import { decodeEvent } from "../../src/messaging/nats/codec.ts";
import { type Delivery, subscribe } from "../../src/messaging/nats/subscriber.ts";
import type { Action } from "../../src/messaging/runner/action.ts";
import { consumerName } from "../../src/messaging/runner/consumers.ts";
import { runControl, runOnce } from "./service.ts";

/** Acknowledgement timeout, and redelivery delay after a failure, in milliseconds. */
const ACK_WAIT_MS = 10_000;
const REDELIVER_MS = 200;

const MAX_ACK_PENDING = 1_000;

await runControl(({ actions, stream, publisher, log, timeoutMs }) => {
  const handle = async (action: Action, delivery: Delivery) => {
    const event = decodeEvent(delivery.subject, delivery.body, delivery.traceparent());
    if (!action.matches(event) || (await runOnce(action, event, timeoutMs)) === "done") {
      delivery.ack();
    } else {
      delivery.nak(REDELIVER_MS);
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
        onDelivery: (delivery) => void handle(action, delivery),
      });
    }
  }
  return (committed) =>
    publisher.publish(
      committed.map(({ row }) => row),
      () => {},
    );
});
