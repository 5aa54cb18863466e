import type { OperationDeps } from "../../application/deps.ts";
import { createChangeHandlers } from "./changes.ts";
import { createReadHandlers } from "./reads.ts";
import type { OrderStatusHandlers } from "./types.ts";
import { createWatchHandler } from "./watch.ts";

/** All RPCs of OrderStatusService, from the contract's messages to the operations and back. */
export function createOrderStatusHandlers(deps: OperationDeps, heartbeatMs: number): OrderStatusHandlers {
  return {
    ...createChangeHandlers(deps),
    ...createReadHandlers(deps),
    ...createWatchHandler(deps, heartbeatMs),
  };
}
