import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import { LEGACY_RPCS, type LegacyEndpoint, type LegacyRpc } from "./rpcs.ts";
import type { Line, Value } from "./send.ts";

/** A call of an RPC with a legacy endpoint. */
export interface SampleCall {
  readonly rpc: LegacyRpc;
  readonly request: Readonly<Record<string, Value>>;
}

/** What XML, JSON and forms each write in a way of their own. */
const TRICKY = `质检 "A&B" <ok> 'x' ]]> é 𠮷 100%+1`;

/** A call of each RPC with a legacy endpoint, each for orders of its own. */
export async function sampleCalls(db: OrderDatabase): Promise<{ calls: SampleCall[]; orderIds: bigint[] }> {
  const order = (status: number, rows = {}) => insertOrder(db, status, rows);
  const operator = "soap-客户";
  const root = await order(Status.SPLIT, { main: { is_parent: 1 } });
  await order(Status.PICKING, { main: { root_parent_id: root, parent_id: root } });
  const delivered = await order(Status.DELIVERED);
  await db.insertInto("oms_db.oms_order_invoice").values({ order_id: delivered }).execute();
  const returned = await order(Status.DELIVERED);
  const create_date = new Date("2026-03-01T10:20:30.456Z");
  await db
    .insertInto("ordercancel_db.order_return_detail")
    .values({ order_id: returned, return_id: returned, sku_id: 7n, quantity: 2, create_date })
    .execute();
  const created = await order(Status.CREATED);
  const cancelled = await order(Status.PAID);
  const shipped = await order(Status.PACKED);
  const calls: SampleCall[] = [
    { rpc: "pauseForCancel", request: { orderId: await order(Status.PAID), operator } },
    { rpc: "pauseForRejection", request: { orderId: await order(Status.IN_TRANSIT), operator } },
    { rpc: "returnOrder", request: { orderId: await order(Status.DELIVERED), operator } },
    { rpc: "setOrderPause", request: { orderId: await order(Status.PAID), paused: true, reason: TRICKY, operator } },
    { rpc: "getPaymentStatus", request: { orderId: await order(Status.PAID, { main: { is_payed: 1 } }) } },
    {
      rpc: "cancelOrder",
      request: { orderId: cancelled, reason: TRICKY, operator, requestId: `cancel-${cancelled}` },
    },
    { rpc: "getOrderStatus", request: { orderId: returned } },
    {
      rpc: "updateOrderStatus",
      request: {
        orderId: created,
        status: OrderStatus.PAID,
        operator,
        remark: TRICKY,
        occurTime: timestampFromDate(new Date("2026-03-01T08:30:00.120Z")),
        requestId: `paid-${created}`,
      },
    },
    { rpc: "checkPayable", request: { orderId: await order(Status.CANCELLED) } },
    { rpc: "getMaxSubOrderStatus", request: { rootOrderId: root } },
    { rpc: "listOrderSources", request: {} },
    { rpc: "listShipmentTypes", request: {} },
    {
      rpc: "markInvoicesPrinted",
      request: {
        orderIds: [delivered, nextOrderId()],
        invoiceTitle: TRICKY,
        taxPayerCode: "91110000X",
        sendEmail: false,
      },
    },
    {
      rpc: "updateDeliveryInfo",
      request: { orderId: shipped, deliveryId: "642", deliveryCompany: TRICKY, waybillNo: "73177150934996", operator },
    },
    {
      rpc: "recordShippedQuantities",
      request: {
        orderId: await order(Status.PACKED),
        lines: [
          { skuId: 7n, quantity: 2 },
          { skuId: 8n, quantity: 0 },
        ],
        operator,
      },
    },
    { rpc: "listReturnDetails", request: { orderIds: [returned] } },
  ];
  const orderIds = calls.flatMap(({ request }) => {
    const { orderId, rootOrderId, orderIds } = request;
    return [orderId, rootOrderId, orderIds].flat().filter((id) => typeof id === "bigint");
  });
  return { calls, orderIds };
}

/** A call as a legacy request: service, method and parameters by their legacy names. */
export interface LegacyRequest {
  readonly service: string;
  readonly method: string;
  readonly parameters: Readonly<Record<string, string | number | bigint>>;
}

/** The old form of a call of an RPC. */
export function legacyRequestOf({ rpc, request }: SampleCall): LegacyRequest {
  const address: LegacyEndpoint = LEGACY_RPCS[rpc];
  const [service = "", method = ""] = address.path.split("/");
  const parameters = Object.entries(request).map(([field, value]) => [address.parameters[field], oldValueOf(value)]);
  return { service, method, parameters: Object.fromEntries(parameters) };
}

function oldValueOf(value: Value): string | number | bigint {
  switch (typeof value) {
    case "object":
      return isTime(value) ? timestampDate(value).toISOString() : value.map(entryOf).join(",");
    case "boolean":
      return Number(value);
    default:
      return value;
  }
}

const entryOf = (entry: bigint | Line): string =>
  typeof entry === "bigint" ? String(entry) : `${entry.skuId}:${entry.quantity}`;

function isTime(value: object): value is Timestamp {
  return "seconds" in value;
}
