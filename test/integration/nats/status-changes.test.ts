import { expect, onTestFinished, test, vi } from "vitest";
import type { StatusChanged } from "../../../src/domain/events.ts";
import { encodeEvent } from "../../../src/messaging/nats/codec.ts";
import { createPublisher } from "../../../src/messaging/nats/publisher.ts";
import { subscribeToStatusChanges } from "../../../src/messaging/nats/status-changes.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { statusChanged } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";
import { silentLog, useClient, useStream } from "./support.ts";

const nats = useNats();

/** A server that subscribes and publishes. */
function useServer() {
  const stream = useStream(nats.url);
  const publisher = createPublisher({ stream, log: silentLog, metrics: createMetrics() });
  const received: StatusChanged[] = [];
  const onGap = vi.fn();
  const subscription = subscribeToStatusChanges({
    stream,
    log: silentLog,
    onChange: (change) => received.push(change),
    onGap,
  });
  subscription.setActive(true);
  onTestFinished(() => {
    subscription.close();
    publisher.close();
  });
  const publish = (event: StatusChanged) => publisher.publishOnce({ ...event, ...encodeEvent(event) });
  return { stream, subscription, received, onGap, publish };
}

test("a server receives the changes of others, not its own, and is notified of gaps", async () => {
  const one = useServer();
  const other = useServer();
  await eventually(() => expect([one, other].map(({ onGap }) => onGap.mock.calls.length)).toEqual([1, 1]));

  const first = statusChanged({ orderId: 7n, toStatus: 4010, traceparent: "" });
  const second = statusChanged({ orderId: 7n, toStatus: 5010, version: 2, traceparent: "" });
  await one.publish(first);
  await other.publish(second);
  await eventually(() => expect([one.received, other.received]).toEqual([[second], [first]]));

  const client = await useClient(nats.url);
  client.publish("oms.v1.order.status.4010", "nonsense");
  await nats.restart();
  await eventually(() => expect([one, other].map(({ onGap }) => onGap.mock.calls.length)).toEqual([2, 2]));
  const third = statusChanged({ orderId: 7n, toStatus: 6010, version: 3, traceparent: "" });
  await eventually(() => one.publish(third));
  await eventually(() => expect(other.received).toEqual([first, third]));
});

test("nothing is received while nothing is watched, and each start is a gap", async () => {
  const one = useServer();
  const other = useServer();
  await eventually(() => expect([one, other].map(({ onGap }) => onGap.mock.calls.length)).toEqual([1, 1]));
  other.subscription.setActive(false);
  await other.stream.client()?.flush();
  await one.publish(statusChanged({ orderId: 8n, toStatus: 4010, traceparent: "" }));
  other.subscription.setActive(true);
  await eventually(() => expect(other.onGap).toHaveBeenCalledTimes(2));
  const second = statusChanged({ orderId: 8n, toStatus: 5010, version: 2, traceparent: "" });
  await one.publish(second);
  await eventually(() => expect(other.received).toEqual([second]));
});
