import { isMarketplace } from "../../domain/order-kinds.ts";
import { type DeliveryUpdate, updateDelivery } from "../../store/orders/update-delivery.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

export type UpdateDeliveryInfoInput = Omit<DeliveryUpdate, "cause"> & { readonly operator: string };

export interface UpdateDeliveryInfoResult {
  readonly changed: boolean;
  /** Whether this call sets off a message to a marketplace. */
  readonly thirdPartyNotified: boolean;
}

/** Old operation 14, updateDeliveryInfo: the warehouse changed the carrier. */
export async function updateDeliveryInfo(
  { changes, kinds }: OperationDeps,
  { operator, ...update }: UpdateDeliveryInfoInput,
  context: CallContext,
): Promise<UpdateDeliveryInfoResult> {
  const order = await updateDelivery(changes, { ...update, cause: causeOf(context, operator) });
  if (order === undefined) {
    throw orderNotFound(update.orderId);
  }
  return { changed: order.changed, thirdPartyNotified: order.changed && isMarketplace(kinds, order) };
}
