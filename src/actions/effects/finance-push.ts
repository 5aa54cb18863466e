import { lineBody } from "../../integrations/erp.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { detailLineReader } from "../../store/reads/goods.ts";
import type { EffectDeps } from "./deps.ts";

/**
 * Sends a delivered order to the finance system, with the quantities ordered. Once-only at the
 * receiver, by the message id.
 */
export function financePush({ db, systems }: Pick<EffectDeps, "db" | "systems">): ActionHandler {
  const readOrdered = detailLineReader(db);
  return async (event, attempt) => {
    if (event.type !== "status-changed") {
      return DONE;
    }
    const { messageId } = attempt;
    const { orderId, orderSource, orderType, toStatus: orderStatus } = event;
    const lines = (await readOrdered(orderId)).map(lineBody);
    const body = { messageId, orderId: String(orderId), orderSource, orderType, orderStatus, lines };
    const { outcome } = await systems.finance.send(messageId, body, attempt);
    return outcome;
  };
}
