import { type ActionEntry, readOrderEntries } from "../../store/reads/action-entries.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

const MAX_ENTRIES = 1_000;

/** What the Actions made of an order's events, oldest event first; the first thousand. */
export async function getOrderActions(
  { db, readSnapshot }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<readonly ActionEntry[]> {
  const entries = await readOrderEntries(db, orderId, MAX_ENTRIES);
  if (entries.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  return entries;
}
