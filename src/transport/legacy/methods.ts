import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { NotPayableReasonSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { Parameter } from "./parameters.ts";

/** An answer of the legacy system: a literal text, or JSON with its keys in order. */
export type LegacyAnswer = string | Readonly<Record<string, unknown>>;

/** A legacy service by its name in the URL. */
export type LegacyService = (typeof LEGACY_SERVICES)[number];

export const LEGACY_SERVICES = ["orderStatus", "detail"] as const;

/** A method of the legacy system: its path, parameters and answer, and the RPC behind it. */
export interface LegacyMethod {
  readonly service: LegacyService;
  /** In the legacy system's spelling. */
  readonly name: string;
  readonly rpc: DescMethodUnary;
  /** In the order of the Java method's parameters. */
  readonly parameters: readonly Parameter[];
  /** The fields of a JSON answer, nested ones included. None holds personal data. */
  readonly fields: readonly string[];
  /** The literal answer of every failure; without it, a failure is JSON with its reason. */
  readonly failureAnswer?: string;
  answer(response: unknown, request: unknown): LegacyAnswer;
}

/** The path of a legacy method. */
export const pathOf = ({ service, name }: Pick<LegacyMethod, "service" | "name">): string =>
  `/services/${service}/${name}`;

const ORDER = {
  name: "orderId",
  kind: "id",
  field: "orderId",
  required: true,
  description: "the order",
} as const satisfies Parameter;
const OPERATOR = {
  name: "operator",
  kind: "text",
  field: "operator",
  description: "who does it, up to 64 characters; not given: the caller",
} as const satisfies Parameter;
const REQUEST_ID = {
  name: "requestId",
  kind: "text",
  field: "requestId",
  description: "makes a repeat safe: it gets the first answer; up to 128 characters, unique among all callers",
} as const satisfies Parameter;

type Names<Desc extends DescMessage> = Exclude<keyof MessageShape<Desc>, `$${string}`>;

/** A row of the table; its parameters and answer are type-checked against the RPC's messages. */
function row<I extends DescMessage, O extends DescMessage>(method: {
  readonly service?: LegacyService;
  readonly name: string;
  readonly rpc: DescMethodUnary<I, O>;
  readonly parameters: readonly (Parameter & { readonly field: Names<NoInfer<I>> })[];
  readonly fields?: readonly string[];
  readonly failureAnswer?: string;
  answer(response: MessageShape<NoInfer<O>>, request: MessageShape<NoInfer<I>>): LegacyAnswer;
}): LegacyMethod {
  return { service: "orderStatus", fields: [], ...method } as LegacyMethod;
}

const rpcs = OrderStatusService.method;

/** All legacy methods, in the order of their operation numbers. */
export const LEGACY_METHODS: readonly LegacyMethod[] = [
  row({
    name: "cancelOrder",
    rpc: rpcs.pauseForCancel,
    parameters: [ORDER, OPERATOR],
    answer: ({ message }) => message,
  }),
  row({
    name: "rejectOrder",
    rpc: rpcs.pauseForRejection,
    parameters: [ORDER, OPERATOR],
    answer: ({ message }) => message,
  }),
  row({
    name: "returnOrder",
    rpc: rpcs.returnOrder,
    parameters: [ORDER, OPERATOR],
    answer: ({ message }) => message,
  }),
  row({
    name: "puaseOrderStatus",
    rpc: rpcs.setOrderPause,
    parameters: [
      ORDER,
      { name: "isPause", kind: "flag", field: "paused", required: true, description: "1 pauses, 0 resumes" },
      { name: "reason", kind: "text", field: "reason", description: "why, up to 512 characters" },
      OPERATOR,
    ],
    answer: ({ message }) => message,
  }),
  row({
    name: "payedOrderStatus",
    rpc: rpcs.getPaymentStatus,
    parameters: [ORDER],
    fields: ["result", "orderId", "isPayed"],
    answer: ({ paid }, { orderId }) => ({ result: 1, orderId, isPayed: Number(paid) }),
  }),
  row({
    name: "statuOrderStatus",
    rpc: rpcs.cancelOrder,
    parameters: [
      ORDER,
      { name: "reason", kind: "text", field: "reason", description: "why, up to 512 characters" },
      OPERATOR,
      REQUEST_ID,
    ],
    fields: ["result", "orderId", "orderStatus"],
    answer: ({ orderStatus }, { orderId }) => ({ result: 1, orderId, orderStatus }),
  }),
  row({
    name: "getOrderStatus",
    rpc: rpcs.getOrderStatus,
    parameters: [ORDER],
    fields: ["result", "orderId", "orderStatus", "returnId"],
    // The legacy answer holds one return: the latest.
    answer: ({ orderId, orderStatus, returnIds }) => ({ result: 1, orderId, orderStatus, returnId: returnIds.at(-1) }),
  }),
  row({
    name: "updateOrderStatus",
    rpc: rpcs.updateOrderStatus,
    parameters: [
      ORDER,
      {
        name: "status",
        aliases: ["orderStatus"],
        kind: "status",
        field: "status",
        required: true,
        description: "the state that was reached, by its code",
      },
      OPERATOR,
      { name: "remark", kind: "text", field: "remark", description: "for the history, up to 512 characters" },
      {
        name: "occurTime",
        kind: "time",
        field: "occurTime",
        description: "when it happened, like 2024-05-01T08:30:00+08:00; not given: now",
      },
      REQUEST_ID,
    ],
    fields: ["result", "orderId", "orderStatus"],
    failureAnswer: "修改订单状态失败",
    answer: ({ orderId, orderStatus }) => ({ result: 1, orderId, orderStatus }),
  }),
  row({
    name: "getPayCheckOrder",
    rpc: rpcs.checkPayable,
    parameters: [ORDER],
    fields: ["result", "orderId", "isPayable", "reason"],
    answer: ({ payable, reason }, { orderId }) => ({
      result: 1,
      orderId,
      isPayable: Number(payable),
      reason: payable ? undefined : NotPayableReasonSchema.value[reason]?.localName,
    }),
  }),
  row({
    name: "getSubOrderMaxStatus",
    rpc: rpcs.getMaxSubOrderStatus,
    parameters: [
      { ...ORDER, aliases: ["rootParentId"], field: "rootOrderId", description: "the trade: its root order" },
    ],
    fields: ["result", "orderId", "orderStatus"],
    answer: ({ orderStatus }, { rootOrderId }) => ({ result: 1, orderId: rootOrderId, orderStatus }),
  }),
  row({
    name: "getOrderSource",
    rpc: rpcs.listOrderSources,
    parameters: [],
    fields: ["result", "orderSources", "orderSource", "orderSourceName"],
    answer: ({ sources }) => ({
      result: 1,
      orderSources: sources.map(({ orderSource, name }) => ({ orderSource, orderSourceName: name })),
    }),
  }),
  row({
    name: "getShipmentType",
    rpc: rpcs.listShipmentTypes,
    parameters: [],
    fields: ["result", "shipmentTypes", "shipmentType", "shipmentTypeValue"],
    answer: ({ shipmentTypes }) => ({
      result: 1,
      shipmentTypes: shipmentTypes.map(({ code, name }) => ({ shipmentType: code, shipmentTypeValue: name })),
    }),
  }),
  row({
    name: "updateOrderInvoiceStatus",
    rpc: rpcs.markInvoicesPrinted,
    parameters: [
      {
        name: "orders",
        kind: "ids",
        field: "orderIds",
        required: true,
        description: "1 to 1,000 orders, commas between",
      },
      {
        name: "invoiceTitle",
        kind: "text",
        field: "invoiceTitle",
        description: "up to 256 characters; not given: as it is",
      },
      {
        name: "invoiceContent",
        kind: "text",
        field: "invoiceContent",
        description: "for example 商品明细, up to 512 characters; not given: as it is",
      },
      { name: "taxCode", kind: "text", field: "taxPayerCode", description: "up to 64 characters; not given: as it is" },
      { name: "invoiceEmail", kind: "text", field: "invoiceEmail", description: "a mail address; not given: as it is" },
      { name: "sendEmail", kind: "flag", field: "sendEmail", description: "1 mails the e-invoice" },
    ],
    fields: ["result", "updatedCount", "missingOrders"],
    answer: ({ updatedCount, missingOrderIds }) => ({
      result: 1,
      updatedCount,
      missingOrders: missingOrderIds.length === 0 ? undefined : missingOrderIds.join(","),
    }),
  }),
  row({
    name: "updateDeliveryInfo",
    rpc: rpcs.updateDeliveryInfo,
    parameters: [
      ORDER,
      { name: "deliveryId", kind: "text", field: "deliveryId", required: true, description: "the carrier's code" },
      {
        name: "deliveryCompany",
        kind: "text",
        field: "deliveryCompany",
        required: true,
        description: "the carrier's name",
      },
      { name: "waybillNo", kind: "text", field: "waybillNo", required: true, description: "the parcel's number" },
      OPERATOR,
    ],
    fields: ["result", "orderId"],
    answer: (_, { orderId }) => ({ result: 1, orderId }),
  }),
  row({
    name: "recordSkuDeliveryNum",
    rpc: rpcs.recordShippedQuantities,
    parameters: [
      ORDER,
      {
        name: "skus",
        kind: "lines",
        field: "lines",
        required: true,
        description: 'what was shipped: 7:2,8:0 (SKU:quantity), or JSON, [{"skuId":7,"deliveryNum":2}]',
      },
      OPERATOR,
      REQUEST_ID,
    ],
    fields: ["result", "orderId", "recordedCount"],
    answer: ({ recordedCount }, { orderId }) => ({ result: 1, orderId, recordedCount }),
  }),
  row({
    service: "detail",
    name: "orderIds",
    rpc: OrderReversalService.method.listReturnDetails,
    parameters: [
      {
        name: "orderIds",
        aliases: ["orders"],
        kind: "ids",
        field: "orderIds",
        required: true,
        description: "1 to 1,000 orders, commas between",
      },
    ],
    fields: ["result", "details", "orderId", "returnId", "skuId", "quantity", "createDate"],
    answer: ({ details }) => ({
      result: 1,
      details: details.map(({ orderId, returnId, skuId, quantity, createTime }) => ({
        orderId,
        returnId,
        skuId,
        quantity,
        createDate: createTime && timestampDate(createTime).toISOString(),
      })),
    }),
  }),
];
