import { stateOf } from "../../domain/state-machine.ts";
import type { Snapshot } from "../../store/reads/snapshots.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

/** Where an order stands, and whether anything leads on from there. */
export interface OrderView extends Snapshot {
  /** By the state machine, not by the old column. */
  readonly finished: boolean;
}

/** Adds what the state machine says. */
export function toOrderView(snapshot: Snapshot): OrderView {
  return { ...snapshot, finished: stateOf(snapshot.status)?.final ?? false };
}

/** Old operation 7, getOrderStatus. */
export async function getOrderStatus(
  { readSnapshot }: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<OrderView> {
  const snapshot = await readSnapshot(orderId);
  if (snapshot === undefined) {
    throw orderNotFound(orderId);
  }
  return toOrderView(snapshot);
}
