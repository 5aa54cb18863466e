import type { Order } from "../../domain/order.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { literal } from "../mysql/literals.ts";
import type { Read, Rows } from "../mysql/read.ts";
import { statementText } from "../mysql/statement.ts";
import { type OrderRow, toOrder } from "../orders/order-row.ts";
import { type KnownRequest, knownKeys } from "../orders/request-answers.ts";
import type { Tables } from "./connector.ts";
import { orderIdsOfChange } from "./order-change.ts";
import { rowsOf, type Session } from "./session.ts";
import type { PendingRequest } from "./types.ts";

/** What a batch is decided on. */
export interface BatchFacts {
  readonly orders: ReadonlyMap<bigint, Order>;
  /** Orders that exist but are locked by other transactions; empty when waiting for locks. */
  readonly lockedByOthers: ReadonlySet<bigint>;
  /** Those of the orders to create whose ids are taken. */
  readonly existing: ReadonlySet<bigint>;
  /** The rows of the changes' reads. */
  readonly reads: ReadonlyMap<Read<unknown>, Rows>;
  /** By their keys in the table. */
  readonly knownRequests: ReadonlyMap<string, KnownRequest>;
}

export interface ReadOptions {
  readonly tables: Tables;
  readonly kinds: OrderKinds;
  /** Waits for rows that others have locked; otherwise skips them. */
  readonly waitForLocks: boolean;
}

const NO_ORDERS: ReadonlySet<bigint> = new Set();

/**
 * Begins the transaction, locks the batch's orders and reads what its requests are decided on, in
 * one round trip. Everything is read after the locks: an earlier change of an order is committed by
 * then. Request ids are read last: an order that is found was committed with its answer.
 */
export async function readForBatch(
  session: Session,
  requests: readonly PendingRequest[],
  { tables, kinds, waitForLocks }: ReadOptions,
): Promise<BatchFacts> {
  const lockedIds = lockedOrderIds(requests);
  const newIds = requests.flatMap(({ request }) => (createsOrder(request) ? [request.orderId] : []));
  const reads = requests.flatMap(({ request }) => (request.kind === "change" ? Object.values(request.reads) : []));
  const keys = [
    ...new Set(
      requests.flatMap(({ request }) =>
        request.kind !== "pause" && request.requestId !== "" ? knownKeys(request) : [],
      ),
    ),
  ];
  const has = { locked: lockedIds.length > 0, existing: newIds.length > 0, known: keys.length > 0 };
  const results = [
    ...(await session.send([
      "start transaction",
      ...(has.locked ? [lockStatement(lockedIds, tables, waitForLocks)] : []),
      ...(has.existing ? [`select order_id from ${tables.main} where order_id in (${newIds.join(",")})`] : []),
      ...reads.map(({ query }) => statementText(query)),
      ...(has.known
        ? [
            `select request_id, digest, answer from ${tables.request} where request_id in (${keys.map(literal).join(",")})`,
          ]
        : []),
    ])),
  ];
  const orders = toOrders(has.locked ? results.shift() : undefined, kinds);
  const existing = has.existing ? results.shift() : undefined;
  const missing = waitForLocks ? [] : lockedIds.filter((id) => !orders.has(id));
  return {
    orders,
    lockedByOthers: missing.length === 0 ? NO_ORDERS : await readExisting(session, missing, tables),
    existing: new Set(rowsOf<{ order_id: bigint }>(existing).map(({ order_id }) => order_id)),
    reads: new Map(reads.map((read, index) => [read, results[index] ?? []])),
    knownRequests: toKnownRequests(has.known ? results.at(-1) : undefined),
  };
}

function createsOrder(request: PendingRequest["request"]): boolean {
  return request.kind === "change" && request.creates === true;
}

/** The orders that requests lock, ascending, so that batches do not deadlock. */
function lockedOrderIds(requests: readonly PendingRequest[]): bigint[] {
  return sortedIds(requests.filter(({ request }) => !createsOrder(request)));
}

function sortedIds(requests: readonly PendingRequest[]): bigint[] {
  return [...new Set(requests.flatMap(({ request }) => orderIdsOf(request)))].toSorted((a, b) => (a < b ? -1 : 1));
}

/** The orders of a request. */
export function orderIdsOf(request: PendingRequest["request"]): readonly bigint[] {
  return request.kind === "change" ? orderIdsOfChange(request) : [request.orderId];
}

/**
 * Begins a batch: the function returns whether the next request may join it. A change is decided on
 * rows that are read at the start of its batch, which an earlier change of its orders may replace.
 */
export function beginBatch(): (next: PendingRequest) => boolean {
  const changedIds = new Set<bigint>();
  return ({ request }) => {
    if (request.kind !== "change") {
      return true;
    }
    const orderIds = orderIdsOfChange(request);
    const joins = !orderIds.some((id) => changedIds.has(id));
    for (const id of orderIds) {
      changedIds.add(id);
    }
    return joins;
  };
}

/**
 * Waits until no transaction holds a lock on an order of these requests. Those that they create are
 * included: another transaction may be inserting them.
 */
export function waitForLocksStatement(requests: readonly PendingRequest[], tables: Tables): string {
  return lockStatement(sortedIds(requests), tables, true);
}

/**
 * Locks orders: the status row of an order, then its main row, by ascending id, so that batches do
 * not deadlock. Rows that others have locked are skipped unless `waitForLocks`.
 */
function lockStatement(orderIds: readonly bigint[], tables: Tables, waitForLocks: boolean): string {
  return (
    "select s.order_id, s.order_status, s.is_pause, s.is_finish, s.version, s.passed_states, s.status_time, s.warehouse_count," +
    " m.root_parent_id, m.is_parent, m.order_source, m.order_type" +
    ` from ${tables.status} s ${tables.statusIndex} straight_join ${tables.main} m ${tables.mainIndex}` +
    ` on m.order_id = s.order_id where s.order_id in (${orderIds.join(",")}) order by s.order_id` +
    ` for update${waitForLocks ? "" : " skip locked"}`
  );
}

/** Those of the skipped orders that exist. */
async function readExisting(session: Session, orderIds: readonly bigint[], tables: Tables): Promise<Set<bigint>> {
  const [result] = await session.send([
    `select s.order_id from ${tables.status} s straight_join ${tables.main} m on m.order_id = s.order_id` +
      ` where s.order_id in (${orderIds.join(",")})`,
  ]);
  return new Set(rowsOf<{ order_id: bigint }>(result).map(({ order_id }) => order_id));
}

function toOrders(result: Rows | undefined, kinds: OrderKinds): Map<bigint, Order> {
  return new Map(
    rowsOf<OrderRow>(result).map((row) => {
      const order = toOrder(row, kinds);
      return [order.orderId, order];
    }),
  );
}

function toKnownRequests(result: Rows | undefined): Map<string, KnownRequest> {
  return new Map(
    rowsOf<{ request_id: Buffer; digest: Buffer; answer: string }>(result).map(({ request_id, digest, answer }) => [
      request_id.toString(),
      { digest, answer },
    ]),
  );
}
