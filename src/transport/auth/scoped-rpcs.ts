/**
 * The RPCs that a caller restricted to order sources may call, as `Service/Rpc`: those that treat
 * an order outside the caller's scope like one that does not exist, and those that name no order.
 * All others are refused for such a caller: they span the orders of all sources. A new RPC is
 * refused until it is listed here.
 */
export const SCOPED_RPCS: ReadonlySet<string> = new Set([
  "OrderStatusService/PauseForCancel",
  "OrderStatusService/PauseForRejection",
  "OrderStatusService/ReturnOrder",
  "OrderStatusService/SetOrderPause",
  "OrderStatusService/GetPaymentStatus",
  "OrderStatusService/CancelOrder",
  "OrderStatusService/GetOrderStatus",
  "OrderStatusService/UpdateOrderStatus",
  "OrderStatusService/CheckPayable",
  "OrderStatusService/GetMaxSubOrderStatus",
  "OrderStatusService/ListOrderSources",
  "OrderStatusService/ListShipmentTypes",
  "OrderStatusService/MarkInvoicesPrinted",
  "OrderStatusService/UpdateDeliveryInfo",
  "OrderStatusService/RecordShippedQuantities",
  "OrderStatusService/BatchUpdateOrderStatus",
  "OrderStatusService/BatchGetOrderStatus",
  "OrderStatusService/ListStatusHistory",
  "OrderStatusService/WatchOrderStatus",
  "OrderStatusService/ExplainOrder",
  "OrderStatusService/DescribeStateMachine",
  "FulfilmentService/SubmitOrder",
  "FulfilmentService/GetOrderFlow",
  "FulfilmentService/RetryOrderFlow",
  "OrderReversalService/RequestCancel",
  "OrderReversalService/GetCancel",
  "OrderReversalService/ReportWmsAnswer",
  "OrderReversalService/RequestReturn",
  "OrderReversalService/ListReturnDetails",
  "ActionService/GetOrderActions",
]);
