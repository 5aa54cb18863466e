import type { ExternalClient } from "../../src/integrations/external-client.ts";
import { type ActionHandler, DONE } from "../../src/messaging/runner/action.ts";

/**
 * Grants points for a delivered order, once: the loyalty system deduplicates by the message id.
 */
export function loyaltyPoints({ loyalty }: { readonly loyalty: ExternalClient }): ActionHandler {
  return async (event, attempt) => {
    if (event.type !== "status-changed") {
      return DONE;
    }
    const { messageId } = attempt;
    const { outcome } = await loyalty.send(messageId, { messageId, orderId: String(event.orderId) }, attempt);
    return outcome;
  };
}
