import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { settlementWriter } from "../../store/orders/action-effects.ts";
import { detailLineReader, shippedLineReader } from "../../store/reads/goods.ts";
import type { EffectDeps } from "./deps.ts";

/**
 * Inserts a row into the settlement queue `oms_order_status_rule`, with the quantities shipped
 * where they were recorded, else those ordered. Once-only by the unique key on the message id.
 */
export function settlementPush({ db }: Pick<EffectDeps, "db">): ActionHandler {
  const readShipped = shippedLineReader(db);
  const readOrdered = detailLineReader(db);
  const insert = settlementWriter(db);
  return async (event, { messageId }) => {
    if (event.type === "status-changed") {
      const { orderId, toStatus: orderStatus } = event;
      const shipped = await readShipped(orderId);
      const lines = shipped.length > 0 ? shipped : await readOrdered(orderId);
      await insert({ messageId, orderId, orderStatus, lines });
    }
    return DONE;
  };
}
