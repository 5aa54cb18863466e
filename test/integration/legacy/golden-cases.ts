import { Status } from "../../../src/domain/state-machine.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import { insertOrderWithId, type OrderRows } from "../../support/orders.ts";

/** The answer of a legacy endpoint to a query, after the case's preparation and earlier queries. */
export interface GoldenCase {
  readonly method: string;
  readonly name: string;
  readonly query: string;
  readonly prepare?: (db: OrderDatabase) => Promise<unknown>;
  /** Queries of the same method that are sent before it. */
  readonly before?: readonly string[];
}

const order =
  (orderId: bigint, status: number, rows: OrderRows = {}) =>
  (db: OrderDatabase): Promise<void> =>
    insertOrderWithId(db, orderId, status, rows);

const child =
  (orderId: bigint, status: number, root: bigint) =>
  (db: OrderDatabase): Promise<void> =>
    insertOrderWithId(db, orderId, status, { main: { root_parent_id: root, parent_id: root } });

const invoice = (orderId: bigint) => async (db: OrderDatabase) => {
  await insertOrderWithId(db, orderId, Status.DELIVERED);
  await db
    .insertInto("oms_db.oms_order_invoice")
    .values({ order_id: orderId, invoice_email: "li@example.com" })
    .execute();
};

const create_date = new Date("2026-03-01T10:20:30.456Z");
const returned =
  (order_id: bigint, ...returnIds: readonly bigint[]) =>
  (db: OrderDatabase) =>
    db
      .insertInto("ordercancel_db.order_return_detail")
      .values(
        returnIds.map((return_id, index) => ({
          order_id,
          return_id,
          sku_id: BigInt(7 + index),
          quantity: 2,
          create_date,
        })),
      )
      .execute();

const sources =
  (rows: readonly { order_source: number; order_source_value: string }[]) => async (db: OrderDatabase) => {
    await db.deleteFrom("oms_db.oms_order_source").execute();
    if (rows.length > 0) {
      await db.insertInto("oms_db.oms_order_source").values(rows).execute();
    }
  };

const all =
  (...steps: readonly ((db: OrderDatabase) => Promise<unknown>)[]) =>
  async (db: OrderDatabase) => {
    for (const step of steps) {
      await step(db);
    }
  };

const cases = (method: string, rows: readonly Omit<GoldenCase, "method">[]): GoldenCase[] =>
  rows.map((row) => ({ method, ...row }));

/** Beyond the exact integers of JavaScript. */
const GREAT = 9_007_199_254_740_993n;

/** Every answer of every legacy method, and its main failures. */
export const GOLDEN_CASES: readonly GoldenCase[] = [
  ...cases("cancelOrder", [
    { name: "before-allocation", query: "orderId=171203001", prepare: order(171203001n, Status.PAID) },
    {
      name: "split-parent",
      query: "orderId=171203002",
      prepare: order(171203002n, Status.PAID, { main: { is_parent: 1 } }),
    },
    { name: "ask-wms", query: "orderId=171203003", prepare: order(171203003n, Status.PICKING) },
    { name: "cancelled", query: "orderId=171203004", prepare: order(171203004n, Status.CANCELLED) },
    {
      name: "twice",
      query: "orderId=171203005",
      before: ["orderId=171203005"],
      prepare: order(171203005n, Status.PAID),
    },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
    { name: "wrong-order", query: "orderId=abc" },
    { name: "no-order", query: "orderId=0" },
  ]),
  ...cases("rejectOrder", [
    { name: "rejectable", query: "orderId=171203011", prepare: order(171203011n, Status.IN_TRANSIT) },
    {
      name: "finished",
      query: "orderId=171203012",
      prepare: order(171203012n, Status.DELIVERED, { state: { is_finish: 1 } }),
    },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
  ]),
  ...cases("returnOrder", [
    { name: "marked", query: "orderId=171203021", prepare: order(171203021n, Status.DELIVERED) },
    {
      name: "twice",
      query: "orderId=171203022",
      before: ["orderId=171203022"],
      prepare: order(171203022n, Status.HANDED_OVER),
    },
    { name: "cancelled", query: "orderId=171203023", prepare: order(171203023n, Status.CANCELLED) },
    { name: "not-handed-over", query: "orderId=171203024", prepare: order(171203024n, Status.PACKED) },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
    { name: "long-operator", query: `orderId=171203021&operator=${"x".repeat(65)}` },
  ]),
  ...cases("puaseOrderStatus", [
    { name: "paused", query: "orderId=171203031&isPause=1", prepare: order(171203031n, Status.PAID) },
    {
      name: "twice",
      query: "orderId=171203032&isPause=1",
      before: ["orderId=171203032&isPause=1"],
      prepare: order(171203032n, Status.PAID),
    },
    {
      name: "resumed",
      query: "orderId=171203033&isPause=0",
      prepare: order(171203033n, Status.PAID, { state: { is_pause: 1 } }),
    },
    { name: "unknown-order", query: "orderId=404&isPause=1" },
    { name: "nothing-given", query: "" },
    { name: "wrong-pause", query: "orderId=171203031&isPause=2" },
  ]),
  ...cases("payedOrderStatus", [
    {
      name: "paid",
      query: "orderId=171203041",
      prepare: order(171203041n, Status.PAID, { main: { is_payed: 1 } }),
    },
    {
      name: "not-paid",
      query: "orderId=171203042",
      prepare: order(171203042n, Status.CREATED, { main: { is_payed: 0 } }),
    },
    { name: "great-id", query: `orderId=${GREAT}`, prepare: order(GREAT, Status.PAID, { main: { is_payed: 1 } }) },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
  ]),
  ...cases("statuOrderStatus", [
    { name: "cancelled", query: "orderId=171203051&reason=no+stock", prepare: order(171203051n, Status.PICKING) },
    {
      name: "twice",
      query: "orderId=171203052",
      before: ["orderId=171203052"],
      prepare: order(171203052n, Status.PAID),
    },
    {
      name: "great-id",
      query: `orderId=${GREAT + 2n}`,
      prepare: order(GREAT + 2n, Status.PAID),
    },
    {
      name: "request-id-repeated",
      query: "orderId=171203053&requestId=cancel-53",
      before: ["orderId=171203053&requestId=cancel-53"],
      prepare: order(171203053n, Status.PAID),
    },
    {
      name: "request-id-reused",
      query: "orderId=171203054&requestId=cancel-54&reason=another",
      before: ["orderId=171203054&requestId=cancel-54"],
      prepare: order(171203054n, Status.PAID),
    },
    { name: "handed-over", query: "orderId=171203055", prepare: order(171203055n, Status.HANDED_OVER) },
    { name: "delivered", query: "orderId=171203056", prepare: order(171203056n, Status.DELIVERED) },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
  ]),
  ...cases("getOrderStatus", [
    { name: "found", query: "orderId=171203044", prepare: order(171203044n, Status.WMS_ACCEPTED) },
    {
      name: "returned",
      query: "orderId=171203062",
      prepare: all(order(171203062n, Status.DELIVERED), returned(171203062n, 21n, 22n)),
    },
    {
      name: "great-ids",
      query: `orderId=${GREAT + 4n}`,
      prepare: all(order(GREAT + 4n, Status.DELIVERED), returned(GREAT + 4n, GREAT)),
    },
    { name: "status-of-nobody", query: "orderId=171203063", prepare: order(171203063n, 4444) },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
    { name: "empty-order", query: "orderId=" },
    { name: "wrong-order", query: "orderId=171203044x" },
    { name: "beyond-64-bits", query: "orderId=9223372036854775808" },
    { name: "two-orders", query: "orderId=1&orderId=2" },
  ]),
  ...cases("updateOrderStatus", [
    {
      name: "moved",
      query: "orderId=171203071&status=1010&operator=pay-3",
      prepare: order(171203071n, Status.CREATED),
    },
    {
      name: "twice",
      query: "orderId=171203072&status=1010",
      before: ["orderId=171203072&status=1010"],
      prepare: order(171203072n, Status.CREATED),
    },
    {
      name: "late",
      query: "orderId=171203073&status=3020",
      before: ["orderId=171203073&status=4010"],
      prepare: order(171203073n, Status.WMS_DISPATCHED),
    },
    {
      name: "great-id",
      query: `orderId=${GREAT + 6n}&status=1010`,
      prepare: order(GREAT + 6n, Status.CREATED),
    },
    {
      name: "request-id-repeated",
      query: "orderId=171203074&status=1010&requestId=report-74",
      before: ["orderId=171203074&status=1010&requestId=report-74", "orderId=171203074&status=1020"],
      prepare: order(171203074n, Status.CREATED),
    },
    {
      name: "request-id-reused",
      query: "orderId=171203075&status=1020&requestId=report-75",
      before: ["orderId=171203075&status=1010&requestId=report-75"],
      prepare: order(171203075n, Status.CREATED),
    },
    { name: "no-way", query: "orderId=171203076&status=3020", prepare: order(171203076n, Status.APPROVED) },
    { name: "final", query: "orderId=171203077&status=6020", prepare: order(171203077n, Status.DELIVERED) },
    { name: "allocated", query: "orderId=171203078&status=9001", prepare: order(171203078n, Status.PICKING) },
    {
      name: "paused",
      query: "orderId=171203079&status=2010",
      prepare: order(171203079n, Status.APPROVED, { state: { is_pause: 1 } }),
    },
    { name: "unknown-order", query: "orderId=404&status=1010" },
    { name: "nothing-given", query: "" },
    { name: "wrong-status", query: "orderId=171203071&status=1234" },
    { name: "wrong-time", query: "orderId=171203071&status=1010&occurTime=2024-05-01+08:30:00" },
    { name: "all-wrong", query: "orderId=x&status=PAID&occurTime=yesterday" },
  ]),
  ...cases("getPayCheckOrder", [
    {
      name: "payable",
      query: "orderId=171203081",
      prepare: order(171203081n, Status.CREATED, { main: { order_source: 1025 } }),
    },
    {
      name: "expired",
      query: "orderId=171203082",
      prepare: order(171203082n, Status.CREATED, { main: { create_date } }),
    },
    {
      name: "cancel-requested",
      query: "orderId=171203083",
      prepare: all(order(171203083n, Status.CREATED, { main: { order_source: 1025 } }), (db) =>
        db.insertInto("ordercancel_db.oms_order_cancel").values({ order_id: 171203083n }).execute(),
      ),
    },
    { name: "unknown-order", query: "orderId=404" },
    { name: "nothing-given", query: "" },
  ]),
  ...cases("getSubOrderMaxStatus", [
    {
      name: "furthest",
      query: "orderId=171203090",
      prepare: all(child(171203091n, Status.PICKING, 171203090n), child(171203092n, Status.HANDED_OVER, 171203090n)),
    },
    {
      name: "great-id",
      query: `rootParentId=${GREAT + 8n}`,
      prepare: child(171203093n, Status.PAID, GREAT + 8n),
    },
    { name: "unknown-trade", query: "orderId=404" },
    { name: "nothing-given", query: "" },
    { name: "no-trade", query: "orderId=-1" },
  ]),
  ...cases("getOrderSource", [
    { name: "none", query: "", prepare: sources([]) },
    {
      name: "all",
      query: "",
      prepare: sources([
        { order_source: 2001, order_source_value: "美团" },
        { order_source: 1000, order_source_value: "自营" },
      ]),
    },
  ]),
  ...cases("getShipmentType", [{ name: "all", query: "" }]),
  ...cases("updateOrderInvoiceStatus", [
    { name: "marked", query: "orders=171203101", prepare: invoice(171203101n) },
    {
      name: "twice",
      query: "orders=171203102&sendEmail=1",
      before: ["orders=171203102&sendEmail=1"],
      prepare: invoice(171203102n),
    },
    {
      name: "some-missing",
      query: `orders=405,171203103,${GREAT},404`,
      prepare: invoice(171203103n),
    },
    { name: "all-missing", query: "orders=404" },
    { name: "nothing-given", query: "" },
    { name: "wrong-order", query: "orders=171203101,x" },
    { name: "no-order", query: "orders=171203101,0" },
    { name: "wrong-mail", query: "orders=171203101&invoiceEmail=li+at+example.com&taxCode=91110000X" },
    { name: "wrong-flag", query: "orders=171203101&sendEmail=yes" },
  ]),
  ...cases("updateDeliveryInfo", [
    {
      name: "changed",
      query: "orderId=171203111&deliveryId=642&deliveryCompany=ZTO&waybillNo=73177150934996",
      prepare: order(171203111n, Status.PACKED),
    },
    {
      name: "twice",
      query: "orderId=171203112&deliveryId=642&deliveryCompany=ZTO&waybillNo=73177150934996",
      before: ["orderId=171203112&deliveryId=642&deliveryCompany=ZTO&waybillNo=73177150934996"],
      prepare: order(171203112n, Status.PACKED),
    },
    {
      name: "great-id",
      query: `orderId=${GREAT + 10n}&deliveryId=642&deliveryCompany=ZTO&waybillNo=7`,
      prepare: order(GREAT + 10n, Status.PACKED),
    },
    { name: "unknown-order", query: "orderId=404&deliveryId=642&deliveryCompany=ZTO&waybillNo=7" },
    { name: "nothing-given", query: "" },
    { name: "long-carrier", query: `orderId=404&deliveryId=${"6".repeat(65)}&deliveryCompany=ZTO&waybillNo=7` },
  ]),
  ...cases("recordSkuDeliveryNum", [
    { name: "recorded", query: "orderId=171203121&skus=7:2,8:0", prepare: order(171203121n, Status.PACKED) },
    {
      name: "twice",
      query: "orderId=171203122&skus=7:2&requestId=shipped-122",
      before: ["orderId=171203122&skus=7:2&requestId=shipped-122"],
      prepare: order(171203122n, Status.PACKED),
    },
    {
      name: "great-id",
      query: `orderId=${GREAT + 12n}&skus=${encodeURIComponent(`[{"skuId":${GREAT},"deliveryNum":3}]`)}`,
      prepare: order(GREAT + 12n, Status.PACKED),
    },
    {
      name: "request-id-reused",
      query: "orderId=171203123&skus=7:3&requestId=shipped-123",
      before: ["orderId=171203123&skus=7:2&requestId=shipped-123"],
      prepare: order(171203123n, Status.PACKED),
    },
    { name: "unknown-order", query: "orderId=404&skus=7:2" },
    { name: "nothing-given", query: "" },
    { name: "wrong-skus", query: "orderId=171203121&skus=7=2" },
    { name: "doubled-sku", query: "orderId=171203121&skus=7:2,7:3" },
    { name: "negative-quantity", query: "orderId=171203121&skus=7:-2" },
  ]),
  ...cases("orderIds", [
    {
      name: "found",
      query: `orderIds=${GREAT + 14n},171203131,404`,
      prepare: all(returned(171203131n, 31n, 32n), returned(GREAT + 14n, GREAT)),
    },
    { name: "none", query: "orderIds=404" },
    { name: "nothing-given", query: "" },
    { name: "wrong-order", query: "orderIds=1,x" },
    { name: "no-order", query: "orderIds=1,0" },
  ]),
];
