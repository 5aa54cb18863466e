import type { NotificationTopic } from "./adapter.ts";

/** The warehouse changed the carrier (old operation 14). */
export const carrier: NotificationTopic = {
  topic: "carrier",
  translate(event) {
    if (event.type !== "delivery-changed") {
      return undefined;
    }
    const { deliveryId, deliveryCompany, waybillNo, recordTime: occurTime } = event;
    const text = `承运商已变更为${deliveryCompany}，运单号${waybillNo}`;
    return { text, orderStatus: 0, version: 0, occurTime, deliveryId, deliveryCompany, waybillNo };
  },
};
