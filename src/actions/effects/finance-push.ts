import { isForFinance, type OrderKinds } from "../../domain/order-kinds.ts";
import { Status } from "../../domain/state-machine.ts";
import type { ExternalClient } from "../../integrations/external-client.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import { detailLineReader } from "../../store/reads/goods.ts";

/**
 * Finance push: delivered enterprise, marketplace and iQIYI recharge orders go to the finance system, with what was ordered. Once-only at
 * the receiver, by the message id.
 */
export function financePush({
  db,
  kinds,
  finance,
}: {
  readonly db: OrderDatabase;
  readonly kinds: OrderKinds;
  readonly finance: ExternalClient;
}): Action {
  const readOrdered = detailLineReader(db);
  return {
    name: "finance-push",
    subjects: [`oms.v1.order.status.${Status.DELIVERED}`],
    matches: (event) =>
      event.type === "status-changed" && event.toStatus === Status.DELIVERED && isForFinance(kinds, event),
    async run(event, attempt) {
      const { messageId } = attempt;
      if (event.type !== "status-changed") {
        return DONE;
      }
      const lines = await readOrdered(event.orderId);
      return finance.post(
        messageId,
        {
          messageId,
          orderId: String(event.orderId),
          orderSource: event.orderSource,
          orderType: event.orderType,
          orderStatus: event.toStatus,
          lines: lines.map(({ skuId, quantity }) => ({ skuId: String(skuId), quantity })),
        },
        attempt,
      );
    },
  };
}
