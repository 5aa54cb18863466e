import { connect, type JetStreamManager } from "nats";
import { STREAM_NAME } from "../src/messaging/nats/topology.ts";

/** How long the broker has for an answer, in milliseconds. */
const TIMEOUT_MS = 1_000;

async function withManager<T>(url: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const client = await connect({ servers: url, reconnect: false, timeout: TIMEOUT_MS });
  try {
    return await work(await client.jetstreamManager({ timeout: TIMEOUT_MS, checkAPI: false }));
  } finally {
    await client.close();
  }
}

/** @param chance which one, 0 ≤ chance < 1 */
export async function deleteConsumer(url: string, chance: number): Promise<void> {
  await withManager(url, async (manager) => {
    const names = (await manager.consumers.list(STREAM_NAME).next()).map(({ name }) => name).toSorted();
    const name = names[Math.floor(chance * names.length)];
    if (name === undefined) {
      throw new Error("there is no consumer");
    }
    await manager.consumers.delete(STREAM_NAME, name);
  });
}

export async function deleteStream(url: string): Promise<void> {
  await withManager(url, (manager) => manager.streams.delete(STREAM_NAME));
}
