import { type NotPayableReason, notPayableReason } from "../../domain/payable.ts";
import { readPayable } from "../../store/reads/orders.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

/** Old operation 9, getPayCheckOrder: why the order cannot be paid; undefined where it can. */
export async function checkPayable(
  { db, kinds, now, paymentTimeoutMs }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<NotPayableReason | undefined> {
  const order = await readPayable(db, orderId);
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  return notPayableReason(kinds, order, now(), paymentTimeoutMs);
}
