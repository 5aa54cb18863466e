import type { OrderEvent } from "../../domain/events.ts";
import type { Subscription } from "../../store/outbox/outbox.ts";
import type { Action } from "./action.ts";

/** Who asks for an event: told to the commit, which opens a ledger row for each. */
export function subscriptionsFor(actions: readonly Action[]): (event: OrderEvent) => readonly Subscription[] {
  return (event) =>
    actions
      .filter((action) => action.matches(event))
      .map(({ name, due }) => (due === undefined ? { action: name } : { action: name, due: due(event) }));
}
