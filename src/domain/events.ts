/** What every event says of its order and its cause. */
export interface EventContext {
  /** The id to dedupe by; unique among all events. */
  readonly messageId: string;
  readonly orderId: bigint;
  /** The trade; 0 where the old row does not say. */
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
  /** When it was committed. */
  readonly recordTime: Date;
  /** The calling system. */
  readonly caller: string;
  /** The person or job that the caller named; empty where the operation asks for none. */
  readonly operator: string;
  /** The W3C trace the call belongs to; empty where the caller sent none. */
  readonly traceparent: string;
}

/** An order moved. */
export interface StatusChanged extends EventContext {
  readonly type: "status-changed";
  readonly fromStatus: number;
  readonly toStatus: number;
  readonly version: number;
  readonly occurTime: Date;
  readonly requestId: string;
  readonly remark: string;
  /** In how many warehouses the goods are that the forward flow brings to dispatch; 0 where it does not move the order. */
  readonly warehouseCount: number;
}

/** An order was paused or resumed. */
export interface PauseChanged extends EventContext {
  readonly type: "pause-changed";
  readonly paused: boolean;
  readonly reason: string;
  /** The order's status code then. */
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

/** The quantities really shipped were recorded. */
export interface QuantitiesShipped extends EventContext {
  readonly type: "quantities-shipped";
  readonly lines: readonly { readonly skuId: bigint; readonly quantity: number }[];
}

/** The order carries the refund mark. */
export interface ReturnMarked extends EventContext {
  readonly type: "return-marked";
}

/** Somebody asked for goods to be taken back. */
export interface ReturnRequested extends EventContext {
  readonly type: "return-requested";
  readonly returnId: bigint;
  readonly lines: readonly { readonly skuId: bigint; readonly quantity: number }[];
  readonly reason: string;
}

/** How far a cancel request has come. */
export type CancelStep = "requested" | "agreed" | "refused" | "done";

/** A cancel request went a step further. */
export interface CancelProgressed extends EventContext {
  readonly type: "cancel-progressed";
  readonly cancelId: bigint;
  readonly step: CancelStep;
  readonly reason: string;
  /** Until when the WMS may answer; undefined where it is not asked at this step. */
  readonly answerUntil: Date | undefined;
}

/** Everything that other systems hear of an order. */
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
