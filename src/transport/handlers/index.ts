import { FulfilmentService } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { createRoutes, type Pipeline, type Route } from "../middleware/pipeline.ts";
import { createActionHandlers } from "./actions.ts";
import { createChangeHandlers } from "./changes.ts";
import { createFulfilmentHandlers } from "./fulfilment.ts";
import { createReadHandlers } from "./reads.ts";
import { createReversalHandlers } from "./reversal.ts";
import { createShadowHandlers } from "./shadow.ts";
import { createWatchHandler } from "./watch.ts";

/** All services of the contract. */
export const SERVICES = [OrderStatusService, FulfilmentService, OrderReversalService, ActionService, ShadowService];

/** All RPCs as permissions name them: `Service/Rpc`. */
export const RPC_NAMES: readonly string[] = SERVICES.flatMap(({ name, methods }) =>
  methods.map((method) => `${name}/${method.name}`),
);

/**
 * The routes of all services.
 *
 * @param heartbeatMs interval between heartbeats of an idle watch
 */
export function createAllRoutes(deps: OperationDeps, heartbeatMs: number, pipeline: Pipeline): readonly Route[] {
  const orderStatusHandlers = {
    ...createChangeHandlers(deps),
    ...createReadHandlers(deps),
    ...createWatchHandler(deps, heartbeatMs),
  };
  return [
    ...createRoutes(OrderStatusService, orderStatusHandlers, pipeline),
    ...createRoutes(FulfilmentService, createFulfilmentHandlers(deps), pipeline),
    ...createRoutes(OrderReversalService, createReversalHandlers(deps), pipeline),
    ...createRoutes(ActionService, createActionHandlers(deps), pipeline),
    ...createRoutes(ShadowService, createShadowHandlers(deps), pipeline),
  ];
}
