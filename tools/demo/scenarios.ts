import { OrderStatus, ReturnVerdict } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { OrderDriver } from "./driver.ts";
import { isVirtual, type Order } from "./orders.ts";

const {
  PAID,
  APPROVED,
  ERP_ALLOCATED,
  WMS_DISPATCHED,
  WMS_ACCEPTED,
  PICKING,
  PACKED,
  HANDED_OVER,
  IN_TRANSIT,
  OUT_FOR_DELIVERY,
  DELIVERED,
  REJECTED,
  DELIVERY_FAILED,
  LOST,
  CANCELLED,
} = OrderStatus;

/** What happens to an order from CREATED to its end, as a sequence of what is told of it. */
type Scenario = (tell: OrderDriver, follow: TrackOrders) => Promise<void>;

/** Begins to follow what an order was split into. */
export type TrackOrders = (children: readonly Order[]) => Promise<readonly OrderDriver[]>;

/** Pay reports the payment, and the forward flow does the rest. */
async function toDispatch(tell: OrderDriver): Promise<void> {
  await tell.walk(PAID);
  await tell.flowsTo(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
}

const toCarrier = (tell: OrderDriver) => tell.walk(WMS_ACCEPTED, PICKING, PACKED, HANDED_OVER);
const onTheRoad = (tell: OrderDriver) => tell.walk(IN_TRANSIT, OUT_FOR_DELIVERY);

const ORDINARY: Readonly<Record<string, Scenario>> = {
  async delivered(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await onTheRoad(tell);
    await tell.walk(DELIVERED);
  },
  async "delivered, every report doubled"(tell) {
    // Paused, as otherwise the flow would have moved on before the report comes again.
    await tell.pause();
    await tell.walk(PAID);
    await tell.retry();
    await tell.again();
    await tell.resume();
    await tell.flowsTo(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
    for (const status of [PICKING, HANDED_OVER, OUT_FOR_DELIVERY, DELIVERED]) {
      await tell.walk(status);
      await tell.retry();
      await tell.again();
    }
  },
  async "delivered, states skipped and reports late"(tell) {
    await toDispatch(tell);
    await tell.walk(PICKING);
    await tell.late(WMS_ACCEPTED);
    await tell.walk(PACKED, IN_TRANSIT);
    await tell.late(HANDED_OVER);
    await tell.late(PICKING);
    await tell.walk(DELIVERED);
    await tell.late(OUT_FOR_DELIVERY);
    await tell.again();
  },
  async "delivered, told by two systems at once"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await tell.walkTwiceAtOnce(OUT_FOR_DELIVERY);
    await tell.walkTwiceAtOnce(DELIVERED);
  },
  async "delivered, told in batches"(tell) {
    await toDispatch(tell);
    await tell.walkInBatch([WMS_ACCEPTED, PICKING, PACKED, HANDED_OVER], CANCELLED);
    await tell.walk(DELIVERED);
  },
  async "delivered after a pause"(tell) {
    await tell.pause();
    await tell.pause();
    await tell.walk(PAID);
    await tell.parked();
    await tell.refused(APPROVED, "ORDER_PAUSED");
    await tell.resume();
    await tell.flowsTo(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
    await tell.pause();
    await toCarrier(tell);
    await tell.resume();
    await tell.walk(DELIVERED);
  },
  async "delivered after a failure"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await onTheRoad(tell);
    await tell.walk(DELIVERY_FAILED);
    await tell.late(OUT_FOR_DELIVERY);
    await tell.walk(OUT_FOR_DELIVERY);
    await tell.late(DELIVERY_FAILED);
    await tell.walk(DELIVERED);
  },
  async "delivered in part"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    const lines = tell.order.lines.map(({ skuId, quantity }) => ({ skuId, quantity: quantity - 1 }));
    await tell.ship(lines);
    await tell.walk(DELIVERED);
  },
  async "delivered by another carrier"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await tell.changeCarrier();
    await onTheRoad(tell);
    await tell.walk(DELIVERED);
  },
  async "delivered, with an invoice, and sent back"(tell) {
    await toDispatch(tell);
    await tell.sendBack(ReturnVerdict.NOT_HANDED_OVER);
    await toCarrier(tell);
    await tell.walk(DELIVERED);
    await tell.printInvoice(true);
    await tell.returnGoods();
    await tell.refused(REJECTED);
  },
  async "rejected at the door"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await onTheRoad(tell);
    await tell.walk(REJECTED);
    await tell.refused(DELIVERED);
  },
  async "failed for good, then rejected"(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await tell.walk(DELIVERY_FAILED);
    await tell.again();
    await tell.walk(REJECTED);
  },
  async lost(tell) {
    await toDispatch(tell);
    await toCarrier(tell);
    await tell.walk(IN_TRANSIT, LOST);
    await tell.cancelTooLate();
  },
  async "cancelled before payment"(tell) {
    await tell.cancelEarly();
    await tell.refused(PAID);
  },
  async "cancelled before allocation"(tell) {
    await tell.pause();
    await tell.walk(PAID);
    await tell.cancelEarly();
    await tell.refused(APPROVED);
  },
  async "cancelled in the warehouse"(tell) {
    await toDispatch(tell);
    await tell.walk(WMS_ACCEPTED, PICKING);
    await tell.cancelInWarehouse("agrees");
    await tell.late(WMS_ACCEPTED);
    await tell.refused(HANDED_OVER);
  },
  async "cancelled when the warehouse had thought about it"(tell) {
    await toDispatch(tell);
    await tell.cancelInWarehouse("agrees later");
  },
  async "kept, as the warehouse refused the cancel"(tell) {
    await toDispatch(tell);
    await tell.walk(WMS_ACCEPTED, PACKED);
    await tell.cancelInWarehouse("refuses");
    await tell.walk(HANDED_OVER);
    await tell.cancelRefused();
    await tell.walk(DELIVERED);
  },
  async "kept, as the warehouse refused it later"(tell) {
    await toDispatch(tell);
    await tell.cancelInWarehouse("refuses later");
    await toCarrier(tell);
    await tell.walk(DELIVERED);
  },
};

/** Goods that nobody packs. */
const VIRTUAL: Readonly<Record<string, Scenario>> = {
  async delivered(tell) {
    await tell.refused(DELIVERED);
    await tell.walk(PAID, DELIVERED);
  },
  async "delivered, every report doubled"(tell) {
    await tell.walk(PAID);
    await tell.again();
    await tell.walkTwiceAtOnce(DELIVERED);
  },
  async "delivered while paused, with an invoice"(tell) {
    await tell.walk(PAID);
    await tell.pause();
    await tell.walk(DELIVERED);
    await tell.resume();
    await tell.printInvoice(false);
  },
  async "cancelled before payment"(tell) {
    await tell.cancelEarly();
    await tell.refused(PAID);
  },
};

/** An order that is split into child orders ends when it is. */
const PARENT: Readonly<Record<string, Scenario>> = {
  async "split and delivered"(tell, follow) {
    await tell.walk(PAID);
    const children = await follow(await tell.split());
    await tell.refused(ERP_ALLOCATED);
    for (const child of children) {
      await child.flowsTo(ERP_ALLOCATED, WMS_DISPATCHED);
      await toCarrier(child);
      await child.walk(DELIVERED);
    }
  },
  async "split and cancelled"(tell, follow) {
    await tell.walk(PAID);
    const children = await follow(await tell.split());
    for (const child of children) {
      await child.flowsTo(ERP_ALLOCATED, WMS_DISPATCHED);
    }
    await tell.cancelChildren(children);
  },
};

/** The life of the n-th order: every kind of order gets every life that it can have. */
export function chooseScenario(order: Order, index: number): { name: string; live: Scenario } {
  const lives = Object.entries(order.isParent ? PARENT : isVirtual(order) ? VIRTUAL : ORDINARY);
  const [name, live] = lives[Math.floor(index / (order.isParent ? 50 : 10)) % lives.length] ?? [
    "delivered",
    ORDINARY.delivered as Scenario,
  ];
  return { name, live };
}
