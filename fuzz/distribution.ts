import type { FuzzEnvironment } from "./environment.ts";

/** A common path through the state machine. */
const LIFECYCLE = [
  "PAID",
  "APPROVED",
  "ERP_ALLOCATED",
  "WMS_DISPATCHED",
  "PICKING",
  "HANDED_OVER",
  "IN_TRANSIT",
  "DELIVERED",
];

/** Updates per call: the limit of BatchUpdateOrderStatus. */
const MAX_BATCH = 1_000;

/**
 * Distributes the orders evenly over the states of the lifecycle, so that requests meet every rule.
 */
export async function distributeOrders({ httpPort, orderIds }: FuzzEnvironment): Promise<void> {
  for (const [step, state] of LIFECYCLE.entries()) {
    const updates = orderIds
      .filter((_, index) => index % (LIFECYCLE.length + 1) > step)
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
    throw new Error(`updating orders to ${state} failed with HTTP ${response.status}: ${await response.text()}`);
  }
}
