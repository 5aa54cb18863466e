import { type AllowedState, nextStates, type RefusedState, waitsFor } from "../domain/explain.ts";
import { stateOf } from "../domain/state-machine.ts";
import { type OpenAction, readOpenActions } from "../store/reads/actions.ts";
import { readOrderFacts } from "../store/reads/orders.ts";
import type { OperationDeps } from "./deps.ts";
import { orderNotFound } from "./errors.ts";

export interface ExplainOrderAnswer {
  readonly status: number;
  readonly paused: boolean;
  readonly finished: boolean;
  readonly version: number;
  readonly allowed: readonly AllowedState[];
  readonly refused: readonly RefusedState[];
  readonly openActions: readonly (OpenAction & { readonly nextAttemptTime?: Date | null })[];
  /** What the order waits for, in one sentence. */
  readonly summary: string;
}

/** What may happen to an order next, what may not and why, and what it waits for. */
export async function explainOrder(
  { db, kinds, now }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<ExplainOrderAnswer> {
  const order = await readOrderFacts(db, orderId, kinds);
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  const openActions = await readOpenActions(db, orderId);
  const open = openActions.map(({ action, ...rest }) => ({ name: action, ...rest }));
  return {
    status: order.status,
    paused: order.paused,
    finished: stateOf(order.status)?.final ?? false,
    version: order.version,
    ...nextStates(order, now()),
    openActions,
    summary: waitsFor(order, open),
  };
}
