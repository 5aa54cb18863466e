import { readSnapshots } from "../../store/reads/snapshots.ts";
import type { OperationDeps } from "../deps.ts";
import { type Standing, standingOf } from "./get-order-status.ts";

export interface BatchGetOrderStatusAnswer {
  /** Each order once, in the order of the request. */
  readonly standings: readonly Standing[];
  /** In the order of the request. */
  readonly missingOrderIds: bigint[];
}

/** Where many orders stand; unknown ones are no error. */
export async function batchGetOrderStatus(
  { db }: OperationDeps,
  { orderIds }: { readonly orderIds: readonly bigint[] },
): Promise<BatchGetOrderStatusAnswer> {
  const asked = [...new Set(orderIds)];
  const found = await readSnapshots(db, asked);
  return {
    standings: asked.flatMap((id) => found.get(id) ?? []).map(standingOf),
    missingOrderIds: asked.filter((id) => !found.has(id)),
  };
}
