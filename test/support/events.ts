import type {
  CancelProgressed,
  DeliveryChanged,
  EventContext,
  InvoicePrinted,
  OrderEvent,
  PauseChanged,
  QuantitiesShipped,
  ReturnMarked,
  ReturnRequested,
  StatusChanged,
} from "../../src/domain/events.ts";

function context(messageId: string, orderId: bigint): EventContext {
  return {
    messageId,
    orderId,
    rootParentId: orderId,
    orderSource: 1000,
    orderType: 1,
    recordTime: new Date(),
    caller: "wms",
    operator: "job 7",
    authenticatedOperator: "li.wei",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  };
}

/** A status change, by default of an ordinary order. */
export function statusChanged(change: Partial<StatusChanged> & { orderId: bigint; toStatus: number }): StatusChanged {
  const version = change.version ?? 1;
  return {
    ...context(`${change.orderId}-${version}`, change.orderId),
    type: "status-changed",
    fromStatus: 1000,
    version,
    occurTime: new Date("2026-03-04T05:06:06Z"),
    requestId: "r-1",
    remark: "",
    warehouseCount: 2,
    ...change,
  };
}

/** One event of each kind, of one order. */
export function eventOfEachKind(orderId: bigint): OrderEvent[] {
  return [
    statusChanged({ orderId, toStatus: 4010, fromStatus: 3030, version: 7, remark: "第七次" }),
    {
      ...context(`${orderId}-pause-a`, orderId),
      type: "pause-changed",
      paused: true,
      reason: "客户要求",
      status: 2010,
      warehouseCount: 1,
    } satisfies PauseChanged,
    {
      ...context(`${orderId}-pause-b`, orderId),
      type: "pause-changed",
      paused: false,
      reason: "",
      status: 2010,
      warehouseCount: 1,
    } satisfies PauseChanged,
    { ...context(`${orderId}-invoice-c`, orderId), type: "invoice-printed", sendEmail: true } satisfies InvoicePrinted,
    deliveryChanged(orderId),
    {
      ...context(`${orderId}-shipped-e`, orderId),
      type: "quantities-shipped",
      lines: [
        { skuId: 9_007_199_254_740_993n, quantity: 2 },
        { skuId: 2n, quantity: 0 },
      ],
    } satisfies QuantitiesShipped,
    { ...context(`${orderId}-return-f`, orderId), type: "return-marked" } satisfies ReturnMarked,
    {
      ...context(`${orderId}-return-g`, orderId),
      type: "return-requested",
      returnId: 9_007_199_254_740_993n,
      lines: [{ skuId: 2n, quantity: 1 }],
      reason: "尺寸不合",
    } satisfies ReturnRequested,
    {
      ...context(`${orderId}-cancel-7-requested`, orderId),
      type: "cancel-progressed",
      cancelId: 7n,
      step: "requested",
      reason: "changed their mind",
      answerUntil: new Date("2026-03-04T06:06:06Z"),
      takeBack: false,
    } satisfies CancelProgressed,
    {
      ...context(`${orderId}-cancel-7-refused`, orderId),
      type: "cancel-progressed",
      cancelId: 7n,
      step: "refused",
      reason: "packed",
      answerUntil: undefined,
      takeBack: false,
    } satisfies CancelProgressed,
    {
      ...context(`${orderId}-cancel-8-agreed`, orderId),
      type: "cancel-progressed",
      cancelId: 8n,
      step: "agreed",
      reason: "",
      answerUntil: undefined,
      takeBack: true,
    } satisfies CancelProgressed,
    {
      ...context(`${orderId}-cancel-8-conflict`, orderId),
      type: "cancel-progressed",
      cancelId: 8n,
      step: "conflict",
      reason: "the order is cancelled, and the WMS keeps it: packed",
      answerUntil: undefined,
      takeBack: true,
    } satisfies CancelProgressed,
  ];
}

export function deliveryChanged(orderId: bigint, change: Partial<DeliveryChanged> = {}): DeliveryChanged {
  return {
    ...context(`${orderId}-delivery-d`, orderId),
    type: "delivery-changed",
    deliveryId: "642",
    deliveryCompany: "中通快递",
    waybillNo: "73177150934996",
    ...change,
  };
}

export function invoicePrinted(orderId: bigint, change: Partial<InvoicePrinted> = {}): InvoicePrinted {
  return { ...context(`${orderId}-invoice-c`, orderId), type: "invoice-printed", sendEmail: true, ...change };
}
