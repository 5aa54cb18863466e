import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  CancelVerdict,
  NotPayableReason,
  RejectionVerdict,
  ReturnVerdict,
} from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { Clients } from "../../support/clients.ts";

/** The RPCs behind legacy methods. */
export type LegacyRpc = keyof typeof LEGACY_RPCS;

/** Those RPCs as functions. */
export type LegacyRpcs = Pick<Clients["client"], Exclude<LegacyRpc, "listReturnDetails">>;

/** An integer in a JSON answer. */
type Integer = number | bigint;

/** The fields of all JSON answers; each has some of them. */
export interface LegacyJson {
  readonly result: number;
  readonly message: string;
  readonly orderId: Integer;
  readonly orderStatus: number;
  readonly returnId?: Integer;
  readonly isPayed: number;
  readonly isPayable: number;
  readonly reason?: keyof typeof NotPayableReason;
  readonly orderSources: readonly { readonly orderSource: number; readonly orderSourceName: string }[];
  readonly shipmentTypes: readonly { readonly shipmentType: number; readonly shipmentTypeValue: string }[];
  readonly updatedCount: number;
  readonly missingOrders?: string;
  readonly recordedCount: number;
  readonly details: readonly {
    readonly orderId: Integer;
    readonly returnId: Integer;
    readonly skuId: Integer;
    readonly quantity: number;
    readonly createDate?: string;
  }[];
}

/**
 * The legacy endpoint of an RPC: the parameter of each request field, and the response fields in
 * the answer.
 */
export type LegacyEndpoint = {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
} & (
  | { readonly answers: "text"; readonly read: (text: string) => object }
  | { readonly answers: "json"; readonly read: (json: LegacyJson) => object }
);

const CANCEL_VERDICTS: Readonly<Record<string, CancelVerdict>> = {
  暂停订单失败: CancelVerdict.PAUSE_FAILED,
  不能取消: CancelVerdict.SPLIT_PARENT,
  占用erp前可取消: CancelVerdict.BEFORE_ERP_ALLOCATION,
  已经是取消状态可以取消: CancelVerdict.ALREADY_CANCELLED,
  "订单已经过了erp占用节点，已经或即将下发WMS，需要询问WMS是否可以取消": CancelVerdict.ASK_WMS,
};
const REJECTION_VERDICTS: Readonly<Record<string, RejectionVerdict>> = {
  暂停订单失败: RejectionVerdict.PAUSE_FAILED,
  "完成状态，不能拒收，只能退货": RejectionVerdict.FINISHED,
  订单可以拒收: RejectionVerdict.REJECTABLE,
};
const RETURN_VERDICTS: Readonly<Record<string, ReturnVerdict>> = {
  订单已经取消: ReturnVerdict.CANCELLED,
  订单未交接出库不允许取消: ReturnVerdict.NOT_HANDED_OVER,
  更新退货标识成功: ReturnVerdict.MARKED,
};

const orderId = "orderId";
const operator = "operator";
const requestId = "requestId";

/** The legacy endpoints by RPC. */
export const LEGACY_RPCS = {
  pauseForCancel: {
    path: "orderStatus/cancelOrder",
    parameters: { orderId, operator },
    answers: "text",
    read: (message) => ({ verdict: CANCEL_VERDICTS[message], message }),
  },
  pauseForRejection: {
    path: "orderStatus/rejectOrder",
    parameters: { orderId, operator },
    answers: "text",
    read: (message) => ({ verdict: REJECTION_VERDICTS[message], message }),
  },
  returnOrder: {
    path: "orderStatus/returnOrder",
    parameters: { orderId, operator },
    answers: "text",
    read: (message) => ({ verdict: RETURN_VERDICTS[message], message }),
  },
  setOrderPause: {
    path: "orderStatus/puaseOrderStatus",
    parameters: { orderId, paused: "isPause", reason: "reason", operator },
    answers: "text",
    read: (message) => ({ success: message === "暂停订单成功", message }),
  },
  getPaymentStatus: {
    path: "orderStatus/payedOrderStatus",
    parameters: { orderId },
    answers: "json",
    read: ({ isPayed }) => ({ paid: isPayed === 1 }),
  },
  cancelOrder: {
    path: "orderStatus/statuOrderStatus",
    parameters: { orderId, operator, reason: "reason", requestId },
    answers: "json",
    read: ({ orderStatus }) => ({ orderStatus }),
  },
  getOrderStatus: {
    path: "orderStatus/getOrderStatus",
    parameters: { orderId },
    answers: "json",
    read: ({ orderId, orderStatus, returnId }) => ({
      orderId: BigInt(orderId),
      orderStatus,
      returnIds: returnId === undefined ? [] : [BigInt(returnId)],
    }),
  },
  updateOrderStatus: {
    path: "orderStatus/updateOrderStatus",
    parameters: { orderId, status: "status", operator, remark: "remark", occurTime: "occurTime", requestId },
    answers: "json",
    read: ({ orderId, orderStatus }) => ({ orderId: BigInt(orderId), orderStatus }),
  },
  checkPayable: {
    path: "orderStatus/getPayCheckOrder",
    parameters: { orderId },
    answers: "json",
    read: ({ isPayable, reason = "UNSPECIFIED" }) => ({ payable: isPayable === 1, reason: NotPayableReason[reason] }),
  },
  getMaxSubOrderStatus: {
    path: "orderStatus/getSubOrderMaxStatus",
    parameters: { rootOrderId: orderId },
    answers: "json",
    read: ({ orderStatus }) => ({ orderStatus }),
  },
  listOrderSources: {
    path: "orderStatus/getOrderSource",
    parameters: {},
    answers: "json",
    read: ({ orderSources }) => ({
      sources: orderSources.map(({ orderSource, orderSourceName }) => ({ orderSource, name: orderSourceName })),
    }),
  },
  listShipmentTypes: {
    path: "orderStatus/getShipmentType",
    parameters: {},
    answers: "json",
    read: (json) => ({
      shipmentTypes: json.shipmentTypes.map(({ shipmentType, shipmentTypeValue }) => ({
        code: shipmentType,
        name: shipmentTypeValue,
      })),
    }),
  },
  markInvoicesPrinted: {
    path: "orderStatus/updateOrderInvoiceStatus",
    parameters: {
      orderIds: "orders",
      invoiceTitle: "invoiceTitle",
      invoiceContent: "invoiceContent",
      taxPayerCode: "taxCode",
      invoiceEmail: "invoiceEmail",
      sendEmail: "sendEmail",
    },
    answers: "json",
    read: ({ updatedCount, missingOrders }) => ({
      updatedCount,
      missingOrderIds: missingOrders === undefined ? [] : missingOrders.split(",").map(BigInt),
    }),
  },
  updateDeliveryInfo: {
    path: "orderStatus/updateDeliveryInfo",
    parameters: {
      orderId,
      deliveryId: "deliveryId",
      deliveryCompany: "deliveryCompany",
      waybillNo: "waybillNo",
      operator,
    },
    answers: "json",
    read: () => ({}),
  },
  recordShippedQuantities: {
    path: "orderStatus/recordSkuDeliveryNum",
    parameters: { orderId, lines: "skus", operator, requestId },
    answers: "json",
    read: ({ recordedCount }) => ({ recordedCount }),
  },
  listReturnDetails: {
    path: "detail/orderIds",
    parameters: { orderIds: "orderIds" },
    answers: "json",
    read: ({ details }) => ({
      details: details.map(({ orderId, returnId, skuId, quantity, createDate }) => ({
        orderId: BigInt(orderId),
        returnId: BigInt(returnId),
        skuId: BigInt(skuId),
        quantity,
        createTime: createDate === undefined ? undefined : timestampFromDate(new Date(createDate)),
      })),
    }),
  },
} as const satisfies Readonly<Record<string, LegacyEndpoint>>;
