import { type ReturnDetail, readReturnDetails } from "../../store/reads/reversal.ts";
import type { OperationDeps } from "../deps.ts";

/** Old detail/orderIds: the return details of orders. */
export function listReturnDetails(
  { db }: OperationDeps,
  { orderIds }: { readonly orderIds: readonly bigint[] },
): Promise<ReturnDetail[]> {
  return readReturnDetails(db, [...new Set(orderIds)]);
}
