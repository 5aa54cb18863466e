import { Status } from "../../domain/state-machine.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { settlementWriter } from "../../store/effects.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import { detailLineReader, shippedLineReader } from "../../store/reads/goods.ts";

/** The ends on the road that settlement wants to hear of: 妥投, 拒收, 配送失败, 丢包. */
const SETTLED: readonly number[] = [Status.DELIVERED, Status.REJECTED, Status.DELIVERY_FAILED, Status.LOST];

/**
 * Settlement push: a row in the settlement queue `oms_order_status_rule`, with the quantities really shipped where they were recorded,
 * else those ordered. Once-only by the unique key on the message id.
 */
export function settlementPush({ db }: { readonly db: OrderDatabase }): Action {
  const readShipped = shippedLineReader(db);
  const readOrdered = detailLineReader(db);
  const insert = settlementWriter(db);
  return {
    name: "settlement-push",
    subjects: SETTLED.map((code) => `oms.v1.order.status.${code}`),
    matches: (event) => event.type === "status-changed" && SETTLED.includes(event.toStatus),
    async run(event, { messageId }) {
      if (event.type === "status-changed") {
        const { orderId, toStatus: orderStatus } = event;
        const shipped = await readShipped(orderId);
        const lines = shipped.length > 0 ? shipped : await readOrdered(orderId);
        await insert({ messageId, orderId, orderStatus, lines });
      }
      return DONE;
    },
  };
}
