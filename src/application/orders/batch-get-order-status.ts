import { readSnapshots } from "../../store/reads/snapshots.ts";
import type { OperationDeps } from "../deps.ts";
import { type OrderView, toOrderView } from "./get-order-status.ts";

export interface BatchGetOrderStatusResult {
  /** Each order once, in the order of the request. */
  readonly orders: readonly OrderView[];
  /** In the order of the request. */
  readonly missingOrderIds: bigint[];
}

/** Where many orders stand; unknown ones are no error. */
export async function batchGetOrderStatus(
  { db }: OperationDeps,
  { orderIds }: { readonly orderIds: readonly bigint[] },
): Promise<BatchGetOrderStatusResult> {
  const asked = [...new Set(orderIds)];
  const found = await readSnapshots(db, asked);
  return {
    orders: asked.flatMap((id) => found.get(id) ?? []).map(toOrderView),
    missingOrderIds: asked.filter((id) => !found.has(id)),
  };
}
