import type { OrderEvent } from "../../domain/events.ts";
import { Status } from "../../domain/state-machine.ts";
import type { ExternalClient } from "../../integrations/external-client.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import type { Claims } from "./claims.ts";

/** What the customer is told, by status code. */
const TEMPLATES: ReadonlyMap<number, "SHIPPED" | "DELIVERED"> = new Map([
  [Status.HANDED_OVER, "SHIPPED"],
  [Status.DELIVERED, "DELIVERED"],
]);

/**
 * Customer message: an SMS or WeChat text when the order leaves the warehouse and when it is delivered. It has no store of its own:
 * once-only by a claim in Redis, a lease while it is sent and a mark afterwards. Without Redis it waits.
 */
export function customerMessage({
  claims,
  message,
}: {
  readonly claims: Claims;
  readonly message: ExternalClient;
}): Action {
  return {
    name: "customer-message",
    subjects: [...TEMPLATES.keys()].map((code) => `oms.v1.order.status.${code}`),
    matches: (event) => templateOf(event) !== undefined,
    async run(event, attempt) {
      const { messageId } = attempt;
      const claim = await claims.acquire(`customer-message:${messageId}`);
      if (claim.kind === "done") {
        return DONE;
      }
      if (claim.kind === "taken") {
        return { kind: "retry", reason: "another worker is sending it", afterMs: claim.remainingMs };
      }
      const template = templateOf(event);
      const sent = await message.post(messageId, { messageId, orderId: String(event.orderId), template }, attempt);
      // Redis may be gone by now: the ledger will know that it was sent, and a lease runs out by itself.
      await (sent.kind === "done" ? claim.markDone() : claim.release()).catch(() => {});
      return sent;
    },
  };
}

function templateOf(event: OrderEvent) {
  return event.type === "status-changed" ? TEMPLATES.get(event.toStatus) : undefined;
}
