import type { Transaction } from "kysely";
import type { StatusChanged } from "../../domain/events.ts";
import { type LegacyMainColumns, legacyColumns, legacyColumnsAfter } from "../../domain/legacy-columns.ts";
import type { Order } from "../../domain/order.ts";
import { statesIn } from "../../domain/passed-states.ts";
import type { AppliedPause } from "../../domain/pause.ts";
import type { AppliedTransition } from "../../domain/status-report.ts";
import type { Database } from "../schema.ts";
import { insertLines, type OrderLine } from "./order-lines.ts";

/** The values of legacy columns of `oms_order_main`, at the time of a change. */
export function legacyMainValues({ modify_date, ...columns }: LegacyMainColumns, now: Date) {
  return modify_date === undefined ? columns : { ...columns, modify_date: now };
}

/**
 * Writes a transition with its history row, as the committer does for many orders. The order is
 * locked.
 */
export async function writeTransition(
  trx: Transaction<Database>,
  { after, event }: AppliedTransition,
  now: Date,
): Promise<void> {
  const { orderId, status, paused, isFinish, version, passed, statusTime } = after;
  await trx
    .updateTable("oms_db.oms_order_status")
    .set({
      order_status: status,
      is_pause: Number(paused),
      is_finish: Number(isFinish),
      version,
      passed_states: passed,
      status_time: statusTime,
      update_date: now,
    })
    .where("order_id", "=", orderId)
    .execute();
  const { main } = legacyColumns(status);
  if (main !== undefined) {
    await updateMain(trx, orderId, legacyMainValues(main, now), now);
  }
  await insertHistory(trx, [event]);
}

/** Writes a pause or a resume, as the committer does for many orders. The order is locked. */
export async function writePause(trx: Transaction<Database>, { after }: AppliedPause, now: Date): Promise<void> {
  await trx
    .updateTable("oms_db.oms_order_status")
    .set({ is_pause: Number(after.paused), update_date: now })
    .where("order_id", "=", after.orderId)
    .execute();
}

/** Marks a split order. */
export function markParent(trx: Transaction<Database>, orderId: bigint, now: Date): Promise<void> {
  return updateMain(trx, orderId, { is_parent: 1 }, now);
}

/** Sets the refund mark. */
export function markRefund(trx: Transaction<Database>, orderId: bigint, now: Date): Promise<void> {
  return updateMain(trx, orderId, { is_refund: 1 }, now);
}

async function updateMain(
  trx: Transaction<Database>,
  orderId: bigint,
  values: {
    readonly is_parent?: number;
    readonly is_refund?: number;
    readonly is_payed?: number;
    readonly order_type?: number;
    readonly modify_date?: Date;
  },
  now: Date,
): Promise<void> {
  await trx
    .updateTable("oms_db.oms_order_main")
    .set({ ...values, update_date: now })
    .where("order_id", "=", orderId)
    .execute();
}

/** An order to insert. */
export interface NewOrder {
  readonly order: Order;
  /** The split order it comes from; 0n for none. */
  readonly parentId: bigint;
  readonly rechargeAccount: string;
  /** Each pair of SKU and warehouse once. */
  readonly lines: readonly OrderLine[];
  /** Its first status change. */
  readonly event: StatusChanged;
}

/**
 * Inserts orders with their lines and their first history row. An existing id is a duplicate key.
 */
export async function insertOrders(trx: Transaction<Database>, orders: readonly NewOrder[], now: Date): Promise<void> {
  const withLegacy = orders.map((one) => ({ ...one, legacy: legacyColumnsAfter(statesIn(one.order.passed)) }));
  await trx
    .insertInto("oms_db.oms_order_main")
    .values(
      withLegacy.map(({ order, parentId, rechargeAccount, legacy }) => ({
        order_id: order.orderId,
        parent_id: parentId,
        root_parent_id: order.rootParentId,
        is_parent: Number(order.isParent),
        order_source: order.orderSource,
        order_type: order.orderType,
        ...legacyMainValues(legacy.main, now),
        create_date: now,
        update_date: now,
        recharge_account: rechargeAccount === "" ? null : rechargeAccount,
      })),
    )
    .execute();
  await trx
    .insertInto("oms_db.oms_order_status")
    .values(
      withLegacy.map(({ order, legacy }) => ({
        order_id: order.orderId,
        order_status: order.status,
        is_pause: Number(order.paused),
        ...legacy.status,
        create_date: now,
        update_date: now,
        version: order.version,
        passed_states: order.passed,
        status_time: order.statusTime,
        warehouse_count: order.warehouseCount,
      })),
    )
    .execute();
  await insertLines(
    trx,
    orders.flatMap(({ order: { orderId }, lines }) => lines.map((line) => ({ orderId, ...line }))),
  );
  await insertHistory(
    trx,
    orders.map(({ event }) => event),
  );
}

/** The history rows of status changes. */
async function insertHistory(trx: Transaction<Database>, events: readonly StatusChanged[]): Promise<void> {
  await trx
    .insertInto("oms_db.oms_status_history")
    .values(
      events.map((event) => ({
        order_id: event.orderId,
        version: event.version,
        from_status: event.fromStatus,
        to_status: event.toStatus,
        outcome: "APPLIED" as const,
        occur_time: event.occurTime,
        record_time: event.recordTime,
        caller: event.caller,
        operator: event.operator,
        request_id: event.requestId,
        remark: event.remark,
        traceparent: event.traceparent,
        authenticated_operator: event.authenticatedOperator,
      })),
    )
    .execute();
}
