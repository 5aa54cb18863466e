import { randomUUID } from "node:crypto";
import type { SourceAndType } from "../../domain/order-kinds.ts";
import type { Cause } from "../commit/types.ts";
import { eventContext } from "../outbox/event-context.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { toSummary } from "./order-row.ts";
import type { ChangeDeps } from "./types.ts";

export interface DeliveryUpdate {
  readonly orderId: bigint;
  readonly deliveryId: string;
  readonly deliveryCompany: string;
  readonly waybillNo: string;
  readonly cause: Cause;
}

/**
 * Old operation 14, updateDeliveryInfo: DeliveryChanged goes out when something differs from before. Undefined where there is no
 * such order.
 */
export function updateDelivery(
  deps: ChangeDeps,
  { orderId, deliveryId, deliveryCompany, waybillNo, cause }: DeliveryUpdate,
): Promise<(SourceAndType & { readonly changed: boolean }) | undefined> {
  return commitChange<(SourceAndType & { readonly changed: boolean }) | undefined>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    if (row === undefined) {
      return unchanged(undefined);
    }
    const order = toSummary(row);
    const { orderSource, orderType } = order;
    const delivery = { delivery_id: deliveryId, delivery_company: deliveryCompany, waybill_no: waybillNo };
    const before = await trx
      .selectFrom("oms_db.oms_order_delivery_main")
      .select(["delivery_id", "delivery_company", "waybill_no"])
      .where("order_id", "=", orderId)
      .executeTakeFirst();
    if (before === undefined) {
      await trx
        .insertInto("oms_db.oms_order_delivery_main")
        .values({ order_id: orderId, ...delivery })
        .execute();
    } else if (
      // An old column may hold numbers.
      String(before.delivery_id) === deliveryId &&
      before.delivery_company === deliveryCompany &&
      String(before.waybill_no) === waybillNo
    ) {
      return unchanged({ orderSource, orderType, changed: false });
    } else {
      await trx.updateTable("oms_db.oms_order_delivery_main").set(delivery).where("order_id", "=", orderId).execute();
    }
    const context = eventContext(order, `${orderId}-delivery-${randomUUID()}`, cause, now);
    return {
      result: { orderSource, orderType, changed: true },
      events: [{ type: "delivery-changed", ...context, deliveryId, deliveryCompany, waybillNo }],
    };
  });
}
