import { isStepUnderWay } from "../../store/reads/reversal.ts";
import type { OperationDeps } from "../deps.ts";

/** Whether the order may be on its way to the WMS this very moment: a cancel asks the WMS only after that. */
export function isDispatchInProgress({ db }: OperationDeps, orderId: bigint): Promise<boolean> {
  return isStepUnderWay(db, orderId, "dispatch");
}
