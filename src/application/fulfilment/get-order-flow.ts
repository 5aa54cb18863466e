import { readChildren, readFlowRow } from "../../store/reads/flows.ts";
import type { OperationDeps } from "../deps.ts";
import { flowNotFound, type OrderFlow, toOrderFlow } from "./order-flow.ts";

/** Where the forward flow stands with an order. */
export async function getOrderFlow(deps: OperationDeps, { orderId }: { readonly orderId: bigint }): Promise<OrderFlow> {
  const row = await readFlowRow(deps.db, orderId);
  if (row === undefined) {
    throw flowNotFound(orderId);
  }
  const children = await readChildren(deps.db, [orderId]);
  return toOrderFlow(deps, row, children.get(orderId) ?? []);
}
