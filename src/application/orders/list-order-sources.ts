import { listOrderSources as readOrderSources } from "../../store/reads/orders.ts";
import type { OperationDeps } from "../deps.ts";

/** Old operation 11, getOrderSource: all sources, by code. */
export function listOrderSources({
  db,
}: OperationDeps): Promise<{ readonly orderSource: number; readonly name: string }[]> {
  return readOrderSources(db);
}
