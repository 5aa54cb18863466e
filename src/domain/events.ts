import type { Operator } from "./operator.ts";
import type { OrderSummary } from "./order.ts";

/** Who set a change off. */
export interface Cause extends Operator {
  /** The calling system. */
  readonly caller: string;
  /** The W3C trace of the call; "" for none. */
  readonly traceparent: string;
}

/** What every event contains of its order and its cause. */
export interface EventContext extends Cause {
  /** Unique among all events; subscribers deduplicate by it. */
  readonly messageId: string;
  readonly orderId: bigint;
  /** The trade; 0 where a legacy row has none. */
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
  /** When it was committed. */
  readonly recordTime: Date;
}

/** A quantity of one SKU. */
export interface SkuQuantity {
  readonly skuId: bigint;
  readonly quantity: number;
}

/** An order's status changed. */
export interface StatusChanged extends EventContext {
  readonly type: "status-changed";
  /** 0 for a new order. */
  readonly fromStatus: number;
  readonly toStatus: number;
  readonly version: number;
  readonly occurTime: Date;
  readonly requestId: string;
  readonly remark: string;
  /**
   * The number of warehouses that hold the goods; 0 for an order that the forward flow does not
   * move.
   */
  readonly warehouseCount: number;
}

/** An order was paused or resumed. */
export interface PauseChanged extends EventContext {
  readonly type: "pause-changed";
  readonly paused: boolean;
  readonly reason: string;
  /** The order's status code at that time. */
  readonly status: number;
  /** As in StatusChanged. */
  readonly warehouseCount: number;
}

/** An invoice was marked as printed. */
export interface InvoicePrinted extends EventContext {
  readonly type: "invoice-printed";
  readonly sendEmail: boolean;
}

/** The warehouse changed the carrier. */
export interface DeliveryChanged extends EventContext {
  readonly type: "delivery-changed";
  readonly deliveryId: string;
  readonly deliveryCompany: string;
  readonly waybillNo: string;
}

/** The shipped quantities were recorded. */
export interface QuantitiesShipped extends EventContext {
  readonly type: "quantities-shipped";
  readonly lines: readonly SkuQuantity[];
}

/** The order got the refund mark. */
export interface ReturnMarked extends EventContext {
  readonly type: "return-marked";
}

/** A return of goods was requested. */
export interface ReturnRequested extends EventContext {
  readonly type: "return-requested";
  readonly returnId: bigint;
  readonly lines: readonly SkuQuantity[];
  readonly reason: string;
}

/**
 * The steps of a cancel request. "conflict" is an answer of the WMS that contradicts the order: a
 * person decides.
 */
export type CancelStep = "requested" | "agreed" | "refused" | "done" | "conflict";

/** A cancel request reached its next step. */
export interface CancelProgressed extends EventContext {
  readonly type: "cancel-progressed";
  readonly cancelId: bigint;
  readonly step: CancelStep;
  readonly reason: string;
  /** The deadline of the WMS's answer; undefined where the WMS is not asked at this step. */
  readonly answerUntil: Date | undefined;
  /** See `isTakeBack`. */
  readonly takeBack: boolean;
}

/** Everything that is published about an order. */
export type OrderEvent =
  | StatusChanged
  | PauseChanged
  | InvoicePrinted
  | DeliveryChanged
  | QuantitiesShipped
  | ReturnMarked
  | ReturnRequested
  | CancelProgressed;

/** The message id of a status change. */
export function statusMessageId(orderId: bigint, version: number): string {
  return `${orderId}-${version}`;
}

/** The part that all events have in common. */
export function eventContext(
  {
    orderId,
    rootParentId,
    orderSource,
    orderType,
  }: Pick<OrderSummary, "orderId" | "rootParentId" | "orderSource" | "orderType">,
  messageId: string,
  { caller, operator, authenticatedOperator, traceparent }: Cause,
  recordTime: Date,
): EventContext {
  return {
    messageId,
    orderId,
    rootParentId,
    orderSource,
    orderType,
    recordTime,
    caller,
    operator,
    authenticatedOperator,
    traceparent,
  };
}
