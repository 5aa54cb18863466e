import { DemoError } from "./addresses.ts";
import type { Range } from "./database.ts";

/** More than the demo sends, including earlier runs. */
const LIMIT = 100_000;

interface Received {
  readonly key: string;
  readonly orderId: string;
  /** Whether the request was executed. */
  readonly done: boolean;
  /** Number of requests after that with the same key. */
  readonly repeats: number;
}

/** Stock bookings of the ERP and the WMS, in pieces. */
export interface Stock {
  readonly allocated: number;
  readonly released: number;
  readonly dispatched: number;
  readonly takenBack: number;
  readonly held: number;
}

export async function readStock(url: string): Promise<Stock> {
  return (await (await fetch(`${url}/stock`)).json()) as Stock;
}

/** Sets the stub WMS's answer to the cancel of an order. */
export async function controlWms(url: string, orderId: bigint, mode: "refuse" | "later"): Promise<void> {
  const rule = { system: "wms/cancel", mode, reason: "already packed", orderIds: [String(orderId)] };
  const answer = await fetch(`${url}/control`, { method: "POST", body: JSON.stringify(rule) });
  if (!answer.ok) {
    throw new DemoError(`The stub systems rejected a rule: ${await answer.text()}`);
  }
}

/**
 * Idempotency keys of the demo's orders received by a system; a key is repeated for each later
 * request with it.
 */
export async function receivedBy(url: string, system: string, { first, last }: Range): Promise<string[]> {
  const address = `${url}/received?system=${system}&limit=${LIMIT}`;
  const answer = await fetch(address).catch((error: unknown) => {
    throw new DemoError(`The stub systems are unreachable at ${url} (${String(error)}). The demo requires them.`);
  });
  const { received } = (await answer.json()) as { received: readonly Received[] };
  return received
    .filter(({ orderId, done }) => done && BigInt(orderId) >= first && BigInt(orderId) <= last)
    .flatMap(({ key, repeats }) => Array.from({ length: 1 + repeats }, () => key));
}
