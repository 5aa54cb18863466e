import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { giftMarker } from "../../store/orders/action-effects.ts";
import type { EffectDeps } from "./deps.ts";

/** Marks the gifts of a delivered order as given. Once-only, as the update is idempotent. */
export function giftRecord({ db }: Pick<EffectDeps, "db">): ActionHandler {
  const markGifts = giftMarker(db);
  return async ({ orderId }) => {
    await markGifts(orderId);
    return DONE;
  };
}
