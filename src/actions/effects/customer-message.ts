import type { OrderEvent } from "../../domain/events.ts";
import { Status } from "../../domain/state-machine.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import type { EffectDeps } from "./deps.ts";

/**
 * Sends the customer an SMS or WeChat text. Nothing in the database shows that it was sent, so it
 * is once-only by a claim in Redis: a lease while the message is sent, a mark afterwards. Without
 * Redis it waits.
 */
export function customerMessage({ claims, systems }: Pick<EffectDeps, "claims" | "systems">): ActionHandler {
  return async (event, attempt) => {
    const { messageId } = attempt;
    const claim = await claims.acquire(`customer-message:${messageId}`);
    if (claim.kind === "done") {
      return DONE;
    }
    if (claim.kind === "held") {
      return { kind: "retry", reason: "another worker is sending it", afterMs: claim.remainingMs };
    }
    const body = { messageId, orderId: String(event.orderId), template: templateOf(event) };
    const { outcome } = await systems.message.send(messageId, body, attempt);
    // If Redis fails now, the ledger still records the outcome, and the lease expires by itself.
    await (outcome.kind === "done" ? claim.markDone() : claim.release()).catch(() => {});
    return outcome;
  };
}

function templateOf(event: OrderEvent): "SHIPPED" | "DELIVERED" {
  return event.type === "status-changed" && event.toStatus === Status.DELIVERED ? "DELIVERED" : "SHIPPED";
}
