import { DemoError } from "./addresses.ts";
import type { Range } from "./database.ts";

/** More than the demo sends, whatever the neighbours got before. */
const LIMIT = 100_000;

interface Received {
  readonly key: string;
  readonly orderId: string;
  /** Whether it was carried out. */
  readonly done: boolean;
  /** Arrivals after that. */
  readonly repeats: number;
}

/** The ERP's and the WMS's books, in pieces. */
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

/** Tells the WMS how to answer when an order's cancel is asked for. */
export async function controlWms(url: string, orderId: bigint, mode: "refuse" | "later"): Promise<void> {
  const rule = { system: "wms/cancel", mode, reason: "already packed", orderIds: [String(orderId)] };
  const answer = await fetch(`${url}/control`, { method: "POST", body: JSON.stringify(rule) });
  if (!answer.ok) {
    throw new DemoError(`the embedded neighbours refuse an order: ${await answer.text()}`);
  }
}

/** The idempotency keys that a neighbour got of the demo's orders, each as often as it would have had an effect without its key. */
export async function receivedBy(url: string, system: string, { first, last }: Range): Promise<string[]> {
  const address = `${url}/received?system=${system}&limit=${LIMIT}`;
  const answer = await fetch(address).catch((error: unknown) => {
    throw new DemoError(
      `the embedded neighbours do not answer at ${url} (${String(error)}): the demo counts what they got`,
    );
  });
  const { received } = (await answer.json()) as { received: readonly Received[] };
  return received
    .filter(({ orderId, done }) => done && BigInt(orderId) >= first && BigInt(orderId) <= last)
    .flatMap(({ key, repeats }) => Array.from({ length: 1 + repeats }, () => key));
}
