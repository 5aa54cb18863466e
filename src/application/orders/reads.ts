import { SHIPMENT_TYPES } from "../../domain/order-kinds.ts";
import { STATES, type State, stateOf, TRANSITIONS, type Transition } from "../../domain/state-machine.ts";
import { type NotPayableReason, notPayableReason } from "../../domain/verdicts.ts";
import { type HistoryEntry, readHistory } from "../../store/reads/history.ts";
import { readMaxSubOrderStatus, readOrderSources, readPayable, readPayment } from "../../store/reads/orders.ts";
import { readSnapshots, type Snapshot } from "../../store/reads/snapshots.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError, orderNotFound } from "../errors.ts";
import { assertVisible, type Scoped, visibilityOf } from "../order-scope.ts";
import { parsePageToken } from "../page-token.ts";

/** An order's status. */
export interface OrderView extends Snapshot {
  /** By the state machine, not by the legacy column. */
  readonly finished: boolean;
}

export function toOrderView(snapshot: Snapshot): OrderView {
  return { ...snapshot, finished: stateOf(snapshot.status)?.final ?? false };
}

/** Legacy operation 7 (getOrderStatus). */
export async function getOrderStatus(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<OrderView> {
  await assertVisible(deps, orderId, context);
  const snapshot = await deps.readSnapshot(orderId);
  if (snapshot === undefined) {
    throw orderNotFound(orderId);
  }
  return toOrderView(snapshot);
}

export interface BatchGetOrderStatusResult {
  /** Each order once, in the order of the request. */
  readonly orders: readonly OrderView[];
  /** In the order of the request. */
  readonly missingOrderIds: bigint[];
}

/** The status of many orders; unknown ones are no error. */
export async function batchGetOrderStatus(
  deps: OperationDeps,
  { orderIds }: { readonly orderIds: readonly bigint[] },
  context: Scoped,
): Promise<BatchGetOrderStatusResult> {
  const uniqueIds = [...new Set(orderIds)];
  const found = await readSnapshots(deps.db, uniqueIds.filter(await visibilityOf(deps, uniqueIds, context)));
  return {
    orders: uniqueIds.flatMap((id) => found.get(id) ?? []).map(toOrderView),
    missingOrderIds: uniqueIds.filter((id) => !found.has(id)),
  };
}

/** Legacy operation 5 (payedOrderStatus). */
export async function getPaymentStatus(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<{ readonly paid: boolean }> {
  await assertVisible(deps, orderId, context);
  const payment = await readPayment(deps.db, orderId);
  if (payment === undefined) {
    throw orderNotFound(orderId);
  }
  return payment;
}

/** Legacy operation 9 (getPayCheckOrder): why the order cannot be paid; undefined where it can. */
export async function checkPayable(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<NotPayableReason | undefined> {
  const { db, kinds, now, paymentTimeoutMs } = deps;
  await assertVisible(deps, orderId, context);
  const order = await readPayable(db, orderId);
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  return notPayableReason(kinds, order, now(), paymentTimeoutMs);
}

/**
 * Legacy operation 10 (getSubOrderMaxStatus): the status of the most advanced sub-order of a trade.
 */
export async function getMaxSubOrderStatus(
  { db, kinds }: OperationDeps,
  { rootOrderId }: { readonly rootOrderId: bigint },
  { orderScope }: Scoped,
): Promise<number> {
  const status = await readMaxSubOrderStatus(db, rootOrderId, kinds.uncountedSubOrderTypes, orderScope);
  if (status === undefined) {
    throw new OperationError("not-found", `trade ${rootOrderId} has no sub-order`);
  }
  return status;
}

/** Legacy operation 11 (getOrderSource): all order sources, by code. */
export function listOrderSources({
  db,
}: OperationDeps): Promise<{ readonly orderSource: number; readonly name: string }[]> {
  return readOrderSources(db);
}

/** Legacy operation 12 (getShipmentType): all shipment types, by code. */
export function listShipmentTypes(): typeof SHIPMENT_TYPES {
  return SHIPMENT_TYPES;
}

/** The state machine's table. */
export function describeStateMachine(): {
  readonly states: readonly State[];
  readonly transitions: readonly Transition[];
} {
  return { states: STATES, transitions: TRANSITIONS };
}

const DEFAULT_PAGE_SIZE = 100;

export interface ListStatusHistoryInput {
  readonly orderId: bigint;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListStatusHistoryResult {
  readonly entries: readonly HistoryEntry[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

/** All applied and stale reports of an order, oldest first. */
export async function listStatusHistory(
  deps: OperationDeps,
  { orderId, pageSize, pageToken }: ListStatusHistoryInput,
  context: Scoped,
): Promise<ListStatusHistoryResult> {
  const { db, readSnapshot } = deps;
  await assertVisible(deps, orderId, context);
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readHistory(db, orderId, { afterId: parsePageToken(pageToken), limit: size + 1 });
  if (rows.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  const entries = rows.slice(0, size);
  return { entries, nextPageToken: rows.length > size ? String(entries.at(-1)?.id) : "" };
}
