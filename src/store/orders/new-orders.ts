import type { Transaction } from "kysely";
import type { StatusChanged } from "../../domain/events.ts";
import type { Database } from "../schema.ts";
import type { Order } from "./order-row.ts";
import { writeHistory } from "./write-transition.ts";

/** What is ordered of one SKU, and the warehouse that it is in; 0 for virtual goods. */
export interface OrderLine {
  readonly skuId: bigint;
  readonly quantity: number;
  readonly warehouseId: bigint;
}

/** An order that is about to be. */
export interface NewOrder {
  readonly order: Order;
  /** 0n for an order that no other was split into. */
  readonly parentId: bigint;
  readonly paid: boolean;
  readonly rechargeAccount: string;
  /** Each pair of SKU and warehouse once. */
  readonly lines: readonly OrderLine[];
  /** Its first status change, out of nothing. */
  readonly event: StatusChanged;
}

/** Writes new orders with their lines and the first line of their history. A taken id is a duplicate key. */
export async function writeNewOrders(
  trx: Transaction<Database>,
  orders: readonly NewOrder[],
  now: Date,
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_order_main")
    .values(
      orders.map(({ order, parentId, paid, rechargeAccount }) => ({
        order_id: order.orderId,
        parent_id: parentId,
        root_parent_id: order.rootParentId,
        is_parent: Number(order.isParent),
        order_source: order.orderSource,
        order_type: order.orderType,
        is_payed: Number(paid),
        create_date: now,
        update_date: now,
        recharge_account: rechargeAccount === "" ? null : rechargeAccount,
      })),
    )
    .execute();
  await trx
    .insertInto("oms_db.oms_order_status")
    .values(
      orders.map(({ order }) => ({
        order_id: order.orderId,
        order_status: order.status,
        is_pause: 0,
        is_finish: 0,
        create_date: now,
        update_date: now,
        version: order.version,
        passed_states: order.passed,
        status_time: order.statusTime,
        warehouse_count: order.warehouseCount,
      })),
    )
    .execute();
  await writeLines(trx, orders);
  await writeHistory(
    trx,
    orders.map(({ event }) => event),
  );
}

/** The lines by warehouse, and their sums by SKU for the readers of the old table. */
async function writeLines(trx: Transaction<Database>, orders: readonly NewOrder[]): Promise<void> {
  await trx
    .insertInto("oms_db.oms_order_line")
    .values(
      orders.flatMap(({ order, lines }) =>
        lines.map(({ skuId, quantity, warehouseId }) => ({
          order_id: order.orderId,
          warehouse_id: warehouseId,
          sku_id: skuId,
          quantity,
        })),
      ),
    )
    .execute();
  await trx
    .insertInto("oms_db.oms_order_detail")
    .values(
      orders.flatMap(({ order, lines }) =>
        [...Map.groupBy(lines, ({ skuId }) => skuId)].map(([skuId, same]) => ({
          order_id: order.orderId,
          sku_id: skuId,
          quantity: same.reduce((sum, { quantity }) => sum + quantity, 0),
        })),
      ),
    )
    .execute();
}
