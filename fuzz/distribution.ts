import type { FuzzEnvironment } from "./environment.ts";

/** The usual life of an order. */
const LIFE = [
  "PAID",
  "APPROVED",
  "ERP_ALLOCATED",
  "WMS_DISPATCHED",
  "PICKING",
  "HANDED_OVER",
  "IN_TRANSIT",
  "DELIVERED",
];

/** Brings the orders to all parts of their lives, so that every rule has somebody that it is about. */
export async function distributeOrders({ httpPort, orderIds }: FuzzEnvironment): Promise<void> {
  for (const [step, state] of LIFE.entries()) {
    const updates = orderIds
      .filter((_, index) => index % (LIFE.length + 1) > step)
      .map((orderId) => ({ orderId: String(orderId), status: `ORDER_STATUS_${state}`, operator: "fuzz" }));
    for (let at = 0; at < updates.length; at += MAX_BATCH) {
      await report(httpPort, state, updates.slice(at, at + MAX_BATCH));
    }
  }
}

async function report(httpPort: number, state: string, updates: readonly object[]): Promise<void> {
  const response = await fetch(
    `http://127.0.0.1:${httpPort}/oms.orderstatus.v1.OrderStatusService/BatchUpdateOrderStatus`,
    { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ updates }) },
  );
  if (!response.ok) {
    throw new Error(`the orders could not be brought to ${state}: ${await response.text()}`);
  }
}

const MAX_BATCH = 1_000;
