import { Status } from "../../domain/state-machine.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { giftMarker } from "../../store/effects.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";

/** Gift record: a delivered order's gifts count as given. Once-only, as the update is idempotent. */
export function giftRecord({ db }: { readonly db: OrderDatabase }): Action {
  const mark = giftMarker(db);
  return {
    name: "gift-record",
    subjects: [`oms.v1.order.status.${Status.DELIVERED}`],
    matches: (event) => event.type === "status-changed" && event.toStatus === Status.DELIVERED,
    async run({ orderId }) {
      await mark(orderId);
      return DONE;
    },
  };
}
