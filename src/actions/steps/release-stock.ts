import { createErp } from "../../integrations/erp.ts";
import type { ActionHandler } from "../../messaging/runner/action.ts";
import type { FlowDeps } from "./step.ts";

/** Releases a cancelled order's stock in the ERP. */
export function releaseStock({ systems }: FlowDeps): ActionHandler {
  const erp = createErp(systems.erp);
  return ({ orderId }, attempt) => erp.release(attempt.messageId, orderId, attempt);
}
