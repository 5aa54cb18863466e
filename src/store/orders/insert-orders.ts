import type { StatusChanged } from "../../domain/events.ts";
import { legacyColumnsAfter } from "../../domain/legacy-columns.ts";
import type { Order } from "../../domain/order.ts";
import { statesIn } from "../../domain/passed-states.ts";
import type { Tables } from "../commit/connector.ts";
import { type Literal, valuesClause } from "../mysql/literals.ts";
import type { Invoice } from "../reads/goods.ts";
import type { OrderLine } from "./order-lines.ts";

/** An order to insert. */
export interface NewOrder {
  readonly order: Order;
  /** The split order it comes from; 0n for none. */
  readonly parentId: bigint;
  readonly rechargeAccount: string;
  /** Each pair of SKU and warehouse once. */
  readonly lines: readonly OrderLine[];
  readonly invoice: Invoice | undefined;
  /** Its first status change. */
  readonly event: StatusChanged;
}

/**
 * The statements that insert orders with their lines and invoices, one per table. An existing id is
 * a duplicate key. The status rows come first, as in a batch's locks: a batch that locks these
 * orders waits for this transaction from its first insert on.
 */
export function insertOrders(tables: Tables, orders: readonly NewOrder[], now: Date): string[] {
  if (orders.length === 0) {
    return [];
  }
  const withLegacy = orders.map((one) => ({ ...one, legacy: legacyColumnsAfter(statesIn(one.order.passed)) }));
  const lines = orders.flatMap(({ order: { orderId }, lines }) => lines.map((line) => ({ orderId, ...line })));
  const bySku = [...Map.groupBy(lines, ({ orderId, skuId }) => `${orderId} ${skuId}`).values()];
  const invoices = orders.flatMap(({ order: { orderId }, invoice }) =>
    invoice === undefined ? [] : [{ orderId, ...invoice }],
  );
  return [
    insert(
      tables.status,
      STATUS_COLUMNS,
      withLegacy.map(({ order, legacy }) => [
        order.orderId,
        order.status,
        Number(order.paused),
        legacy.status?.is_finish ?? 0,
        now,
        now,
        order.version,
        order.passed,
        order.statusTime,
        order.warehouseCount,
      ]),
    ),
    insert(
      tables.main,
      MAIN_COLUMNS,
      withLegacy.map(({ order, parentId, rechargeAccount, legacy }) => [
        order.orderId,
        parentId,
        order.rootParentId,
        Number(order.isParent),
        order.orderSource,
        order.orderType,
        legacy.main.is_payed ?? 0,
        now,
        now,
        rechargeAccount === "" ? null : rechargeAccount,
      ]),
    ),
    ...insertUnlessEmpty(
      tables.line,
      ["order_id", "warehouse_id", "sku_id", "quantity"],
      lines.map(({ orderId, warehouseId, skuId, quantity }) => [orderId, warehouseId, skuId, quantity]),
    ),
    // The sums by SKU, for legacy readers.
    ...insertUnlessEmpty(
      tables.detail,
      ["order_id", "sku_id", "quantity"],
      bySku.map((same) => {
        const { orderId, skuId } = same[0] as (typeof lines)[number];
        return [orderId, skuId, same.reduce((sum, { quantity }) => sum + quantity, 0)];
      }),
    ),
    ...insertUnlessEmpty(
      tables.invoice,
      INVOICE_COLUMNS,
      invoices.map(({ orderId, title, content, taxPayerCode, email }) => [
        orderId,
        title,
        content,
        taxPayerCode,
        email,
      ]),
    ),
  ];
}

const MAIN_COLUMNS = [
  "order_id",
  "parent_id",
  "root_parent_id",
  "is_parent",
  "order_source",
  "order_type",
  "is_payed",
  "create_date",
  "update_date",
  "recharge_account",
] as const;

const STATUS_COLUMNS = [
  "order_id",
  "order_status",
  "is_pause",
  "is_finish",
  "create_date",
  "update_date",
  "version",
  "passed_states",
  "status_time",
  "warehouse_count",
] as const;

const INVOICE_COLUMNS = [
  "order_id",
  "invoice_title",
  "invoice_content",
  "invoice_tax_payer_code",
  "invoice_email",
] as const;

function insert(table: string, columns: readonly string[], rows: readonly (readonly Literal[])[]): string {
  return `insert into ${table} ${valuesClause(columns, rows)}`;
}

function insertUnlessEmpty(table: string, columns: readonly string[], rows: readonly (readonly Literal[])[]): string[] {
  return rows.length === 0 ? [] : [insert(table, columns, rows)];
}
