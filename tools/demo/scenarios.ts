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

/** A scenario: what happens to an order from CREATED to its end state. */
type Scenario = (driver: OrderDriver, track: TrackOrders) => Promise<void>;

/** Starts tracking the orders an order was split into. */
export type TrackOrders = (children: readonly Order[]) => Promise<readonly OrderDriver[]>;

/** Pay reports the payment; the forward flow does the rest. */
async function toDispatch(driver: OrderDriver): Promise<void> {
  await driver.report(PAID);
  await driver.followFlow(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
}

const toCarrier = (driver: OrderDriver) => driver.report(WMS_ACCEPTED, PICKING, PACKED, HANDED_OVER);
const onTheRoad = (driver: OrderDriver) => driver.report(IN_TRANSIT, OUT_FOR_DELIVERY);

const ORDINARY: Readonly<Record<string, Scenario>> = {
  async delivered(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await onTheRoad(driver);
    await driver.report(DELIVERED);
  },
  async "delivered, each report twice"(driver) {
    // Paused, otherwise the flow would change the state before the second report.
    await driver.pause();
    await driver.report(PAID);
    await driver.retryReport();
    await driver.reportAgain();
    await driver.resume();
    await driver.followFlow(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
    for (const status of [PICKING, HANDED_OVER, OUT_FOR_DELIVERY, DELIVERED]) {
      await driver.report(status);
      await driver.retryReport();
      await driver.reportAgain();
    }
  },
  async "delivered, states skipped and reports late"(driver) {
    await toDispatch(driver);
    await driver.report(PICKING);
    await driver.reportLate(WMS_ACCEPTED);
    await driver.report(PACKED, IN_TRANSIT);
    await driver.reportLate(HANDED_OVER);
    await driver.reportLate(PICKING);
    await driver.report(DELIVERED);
    await driver.reportLate(OUT_FOR_DELIVERY);
    await driver.reportAgain();
  },
  async "delivered, reported by two systems concurrently"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await driver.reportConcurrently(OUT_FOR_DELIVERY);
    await driver.reportConcurrently(DELIVERED);
  },
  async "delivered, reported in batches"(driver) {
    await toDispatch(driver);
    await driver.reportBatch([WMS_ACCEPTED, PICKING, PACKED, HANDED_OVER], CANCELLED);
    await driver.report(DELIVERED);
  },
  async "delivered after a pause"(driver) {
    await driver.pause();
    await driver.pause();
    await driver.report(PAID);
    await driver.expectPausedFlow();
    await driver.expectRefused(APPROVED, "ORDER_PAUSED");
    await driver.resume();
    await driver.followFlow(APPROVED, ERP_ALLOCATED, WMS_DISPATCHED);
    await driver.pause();
    await toCarrier(driver);
    await driver.resume();
    await driver.report(DELIVERED);
  },
  async "delivered after a failed attempt"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await onTheRoad(driver);
    await driver.report(DELIVERY_FAILED);
    await driver.reportLate(OUT_FOR_DELIVERY);
    await driver.report(OUT_FOR_DELIVERY);
    await driver.reportLate(DELIVERY_FAILED);
    await driver.report(DELIVERED);
  },
  async "delivered in part"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    const lines = driver.order.lines.map(({ skuId, quantity }) => ({ skuId, quantity: quantity - 1 }));
    await driver.recordShipped(lines);
    await driver.report(DELIVERED);
  },
  async "delivered by another carrier"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await driver.changeCarrier();
    await onTheRoad(driver);
    await driver.report(DELIVERED);
  },
  async "delivered, with an invoice, and returned"(driver) {
    await toDispatch(driver);
    await driver.returnOrder(ReturnVerdict.NOT_HANDED_OVER);
    await toCarrier(driver);
    await driver.report(DELIVERED);
    await driver.printInvoice(true);
    await driver.requestReturn();
    await driver.expectRefused(REJECTED);
  },
  async "rejected on delivery"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await onTheRoad(driver);
    await driver.report(REJECTED);
    await driver.expectRefused(DELIVERED);
  },
  async "delivery failed, then rejected"(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await driver.report(DELIVERY_FAILED);
    await driver.reportAgain();
    await driver.report(REJECTED);
  },
  async lost(driver) {
    await toDispatch(driver);
    await toCarrier(driver);
    await driver.report(IN_TRANSIT, LOST);
    await driver.cancelInTransit();
  },
  async "cancelled before payment"(driver) {
    await driver.cancelBeforeAllocation();
    await driver.expectRefused(PAID);
  },
  async "cancelled before allocation"(driver) {
    await driver.pause();
    await driver.report(PAID);
    await driver.cancelBeforeAllocation();
    await driver.expectRefused(APPROVED);
  },
  async "cancelled in the warehouse"(driver) {
    await toDispatch(driver);
    await driver.report(WMS_ACCEPTED, PICKING);
    await driver.cancelInWarehouse("agrees");
    await driver.reportLate(WMS_ACCEPTED);
    await driver.expectRefused(HANDED_OVER);
  },
  async "cancelled after a delayed answer of the warehouse"(driver) {
    await toDispatch(driver);
    await driver.cancelInWarehouse("agrees later");
  },
  async "cancel refused by the warehouse, delivered"(driver) {
    await toDispatch(driver);
    await driver.report(WMS_ACCEPTED, PACKED);
    await driver.cancelInWarehouse("refuses");
    await driver.report(HANDED_OVER);
    await driver.expectCancelRefused();
    await driver.report(DELIVERED);
  },
  async "cancel refused by the warehouse with a delay, delivered"(driver) {
    await toDispatch(driver);
    await driver.cancelInWarehouse("refuses later");
    await toCarrier(driver);
    await driver.report(DELIVERED);
  },
};

/** Virtual goods. */
const VIRTUAL: Readonly<Record<string, Scenario>> = {
  async delivered(driver) {
    await driver.expectRefused(DELIVERED);
    await driver.report(PAID, DELIVERED);
  },
  async "delivered, each report twice"(driver) {
    await driver.report(PAID);
    await driver.reportAgain();
    await driver.reportConcurrently(DELIVERED);
  },
  async "delivered while paused, with an invoice"(driver) {
    await driver.report(PAID);
    await driver.pause();
    await driver.report(DELIVERED);
    await driver.resume();
    await driver.printInvoice(false);
  },
  async "cancelled before payment"(driver) {
    await driver.cancelBeforeAllocation();
    await driver.expectRefused(PAID);
  },
};

/** A split order ends when it is split. */
const PARENT: Readonly<Record<string, Scenario>> = {
  async "split and delivered"(driver, track) {
    await driver.report(PAID);
    const children = await track(await driver.expectSplit());
    await driver.expectRefused(ERP_ALLOCATED);
    for (const child of children) {
      await child.followFlow(ERP_ALLOCATED, WMS_DISPATCHED);
      await toCarrier(child);
      await child.report(DELIVERED);
    }
  },
  async "split and cancelled"(driver, track) {
    await driver.report(PAID);
    const children = await track(await driver.expectSplit());
    for (const child of children) {
      await child.followFlow(ERP_ALLOCATED, WMS_DISPATCHED);
    }
    await driver.cancelSplitOrder(children);
  },
};

/** The scenario of the n-th order. Each kind of order gets all scenarios that apply to it. */
export function chooseScenario(order: Order, index: number): { name: string; run: Scenario } {
  const scenarios = Object.entries(order.isParent ? PARENT : isVirtual(order) ? VIRTUAL : ORDINARY);
  const [name, run] = scenarios[Math.floor(index / (order.isParent ? 50 : 10)) % scenarios.length] ?? [
    "delivered",
    ORDINARY.delivered as Scenario,
  ];
  return { name, run };
}
