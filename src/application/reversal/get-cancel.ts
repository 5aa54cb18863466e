import { type Cancel, readCancel } from "../../store/reads/reversal.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";

/** How far an order's cancel has come. */
export async function getCancel({ db }: OperationDeps, { orderId }: { readonly orderId: bigint }): Promise<Cancel> {
  const cancel = await readCancel(db, orderId);
  if (cancel === undefined) {
    throw cancelNotFound(orderId);
  }
  return cancel;
}

/** Nobody asked for the order to be cancelled. */
export function cancelNotFound(orderId: bigint): OperationError {
  return new OperationError("not-found", `nobody has asked for order ${orderId} to be cancelled`);
}
