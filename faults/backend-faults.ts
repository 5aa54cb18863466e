import { connect as connectTcp, type Socket } from "node:net";
import { connect, type JetStreamManager } from "nats";
import { brokerOptions } from "../src/messaging/nats/broker.ts";
import { STREAM_NAME } from "../src/messaging/nats/topology.ts";

/** Timeout of calls to the broker, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** More connections than MariaDB accepts. */
const CONNECTIONS = 600;

/**
 * Interval at which rejected connections are opened again, in milliseconds: slots that others free
 * must be taken too.
 */
const REFILL_MS = 50;

/**
 * Deletes one of the stream's consumers.
 *
 * @param chance selects which, 0 ≤ chance < 1
 */
export async function deleteConsumer(url: string, chance: number): Promise<void> {
  await withManager(url, async (manager) => {
    const names = (await manager.consumers.list(STREAM_NAME).next()).map(({ name }) => name).toSorted();
    const name = names[Math.floor(chance * names.length)];
    if (name === undefined) {
      throw new Error("the stream has no consumer");
    }
    await manager.consumers.delete(STREAM_NAME, name);
  });
}

export async function deleteStream(url: string): Promise<void> {
  await withManager(url, (manager) => manager.streams.delete(STREAM_NAME));
}

async function withManager<T>(url: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const client = await connect({ ...brokerOptions({ url }), reconnect: false, timeout: TIMEOUT_MS });
  try {
    return await work(await client.jetstreamManager({ timeout: TIMEOUT_MS, checkAPI: false }));
  } finally {
    await client.close();
  }
}

/**
 * Takes all connections that MariaDB accepts, and keeps taking freed ones. They do not log in; the
 * server counts them until its login timeout (10 s).
 *
 * @returns releases them
 */
export function exhaustConnections(mysqlUrl: string): () => void {
  const { hostname, port } = new URL(mysqlUrl);
  const sockets = new Set<Socket>();
  const fill = () => {
    while (sockets.size < CONNECTIONS) {
      const socket = connectTcp(Number(port), hostname);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.resume();
      sockets.add(socket);
    }
  };
  fill();
  const timer = setInterval(fill, REFILL_MS);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) {
      socket.destroy();
    }
  };
}
