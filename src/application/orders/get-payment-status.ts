import { readPayment } from "../../store/reads/orders.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

/** Old operation 5, payedOrderStatus. */
export async function getPaymentStatus(
  { db }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<{ readonly paid: boolean }> {
  const payment = await readPayment(db, orderId);
  if (payment === undefined) {
    throw orderNotFound(orderId);
  }
  return payment;
}
