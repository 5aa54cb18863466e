import { connect, type NatsConnection } from "nats";
import { onTestFinished } from "vitest";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import { type ConnectionEvent, connectStream, type StreamConnection } from "../../../src/messaging/nats/connection.ts";
import type { EventMessage } from "../../../src/messaging/nats/envelope.ts";
import { createLogger } from "../../../src/observability/log.ts";

export const silentLog = createLogger("silent");

/** A stream connection that records its events, closed after the test. */
export function useStream(
  url: string,
  options: Partial<Parameters<typeof connectStream>[0]> = {},
): StreamConnection & { readonly events: ConnectionEvent[] } {
  const stream = connectStream({ url, log: silentLog, checkIntervalMs: 100, ...options });
  const events: ConnectionEvent[] = [];
  stream.onConnect((_client, event) => events.push(event));
  onTestFinished(() => stream.close());
  return Object.assign(stream, { events });
}

/** A NATS client of another system, closed after the test. */
export async function useClient(url: string): Promise<NatsConnection> {
  const client = await connect({ ...brokerOptions({ url }), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  onTestFinished(() => client.close());
  return client;
}

/** A message of an order. */
export function message(orderId: bigint, version: number, change: Partial<EventMessage> = {}): EventMessage {
  return {
    messageId: `${orderId}-${version}`,
    orderId,
    subject: "oms.v1.order.status.3010",
    eventType: "oms.events.v1.OrderStatusChanged",
    body: Uint8Array.of(8, version),
    recordTime: new Date("2026-03-04T05:06:07.089Z"),
    traceparent: "",
    ...change,
  };
}

/** All message ids in the stream, in its order. */
export async function storedIds(client: NatsConnection): Promise<string[]> {
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { state } = await manager.streams.info("OMS_EVENTS");
  const ids: string[] = [];
  for (let seq = Math.max(state.first_seq, 1); seq <= state.last_seq; seq += 1) {
    const { header } = await manager.streams.getMessage("OMS_EVENTS", { seq });
    ids.push(header.get("Nats-Msg-Id"));
  }
  return ids;
}
