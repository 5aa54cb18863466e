import { readMaxSubOrderStatus } from "../../store/reads/orders.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";

/** Old operation 10, getSubOrderMaxStatus: how far the furthest sub-order of a trade is. */
export async function getMaxSubOrderStatus(
  { db, kinds }: OperationDeps,
  { rootOrderId }: { readonly rootOrderId: bigint },
): Promise<number> {
  const status = await readMaxSubOrderStatus(db, rootOrderId, kinds.uncountedSubOrderTypes);
  if (status === undefined) {
    throw new OperationError("not-found", `trade ${rootOrderId} has no sub-order`);
  }
  return status;
}
