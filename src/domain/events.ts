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
}

/** An order was paused or resumed. */
export interface PauseChanged extends EventContext {
  readonly type: "pause-changed";
  readonly paused: boolean;
  readonly reason: string;
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

/** Everything that other systems hear of an order. */
export type OrderEvent =
  | StatusChanged
  | PauseChanged
  | InvoicePrinted
  | DeliveryChanged
  | QuantitiesShipped
  | ReturnMarked;

/** The message id of a status change. */
export function statusMessageId(orderId: bigint, version: number): string {
  return `${orderId}-${version}`;
}
