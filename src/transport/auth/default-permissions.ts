import type { PermissionTable, Role } from "./permission-table.ts";
import { SCOPED_RPCS } from "./scoped-rpcs.ts";

const READS = [
  "OrderStatusService/GetOrderStatus",
  "OrderStatusService/BatchGetOrderStatus",
  "OrderStatusService/GetPaymentStatus",
  "OrderStatusService/CheckPayable",
  "OrderStatusService/GetMaxSubOrderStatus",
  "OrderStatusService/ListOrderSources",
  "OrderStatusService/ListShipmentTypes",
  "OrderStatusService/ListStatusHistory",
  "OrderStatusService/WatchOrderStatus",
  "OrderStatusService/ExplainOrder",
  "OrderStatusService/DescribeStateMachine",
  "FulfilmentService/GetOrderFlow",
  "OrderReversalService/GetCancel",
  "OrderReversalService/ListReturnDetails",
];

const REPORTS = ["OrderStatusService/UpdateOrderStatus", "OrderStatusService/BatchUpdateOrderStatus"];

const MARKETPLACE = [...READS, "FulfilmentService/SubmitOrder", "OrderReversalService/RequestCancel"];

/** For roles restricted to an order source. */
const ONE_MARKETPLACE = MARKETPLACE.filter((rpc) => SCOPED_RPCS.has(rpc));

const ROLES: Readonly<Record<string, Role>> = {
  wms: {
    rpcs: [
      ...READS,
      ...REPORTS,
      "OrderStatusService/UpdateDeliveryInfo",
      "OrderStatusService/RecordShippedQuantities",
      "OrderReversalService/ReportWmsAnswer",
    ],
    reportsAs: ["WMS"],
  },
  tms: { rpcs: [...READS, ...REPORTS], reportsAs: ["TMS"] },
  dms: { rpcs: [...READS, ...REPORTS], reportsAs: ["DMS"] },
  pay: { rpcs: [...READS, ...REPORTS], reportsAs: ["Pay"] },
  // The gateway in front of all marketplaces; then each marketplace for itself.
  marketplace: { rpcs: MARKETPLACE },
  meituan: { rpcs: ONE_MARKETPLACE, orderSources: [2001] },
  eleme: { rpcs: ONE_MARKETPLACE, orderSources: [2002] },
  "jd-daojia": { rpcs: ONE_MARKETPLACE, orderSources: [2003] },
  shop: {
    rpcs: [
      ...READS,
      ...REPORTS,
      "FulfilmentService/SubmitOrder",
      "OrderReversalService/RequestCancel",
      "OrderReversalService/RequestReturn",
    ],
    reportsAs: ["front end"],
    // Until stock is allocated, every reporter may cancel.
    reports: ["CANCELLED"],
  },
  "customer-service": {
    rpcs: [
      ...READS,
      "OrderStatusService/MarkInvoicesPrinted",
      "OrderReversalService/RequestCancel",
      "OrderReversalService/RequestReturn",
    ],
  },
  reversal: {
    rpcs: [
      ...READS,
      "OrderStatusService/PauseForCancel",
      "OrderStatusService/PauseForRejection",
      "OrderStatusService/ReturnOrder",
      "OrderStatusService/SetOrderPause",
      "OrderStatusService/CancelOrder",
      ...REPORTS,
      "OrderReversalService/*",
    ],
    reportsAs: ["reversal flow"],
  },
  "forward-flow": { rpcs: [...READS, ...REPORTS, "FulfilmentService/*"], reportsAs: ["forward flow"] },
  operator: {
    rpcs: ["*"],
    reportsAs: ["intake", "Pay", "forward flow", "WMS", "TMS", "DMS", "front end", "reversal flow"],
  },
  "read-only": { rpcs: [...READS, "FulfilmentService/ListOrderFlows"] },
  monitoring: { rpcs: ["metrics"] },
};

/** Each role, assigned to the caller of the same name. */
const BY_NAME = Object.fromEntries(Object.keys(ROLES).map((name) => [name, [name]]));

/**
 * The permissions of a deployment without a table of its own, also in deploy/permissions.json: each
 * system may call what the legacy operations assign to it, and report the states that it is the
 * reporter of. A certificate and a legacy caller, which carry no roles, have the role of their own
 * name; a token has the roles that its issuer granted, and no others.
 */
export const DEFAULT_PERMISSIONS: PermissionTable = {
  roles: ROLES,
  callers: {},
  certificates: BY_NAME,
  legacyCallers: BY_NAME,
};
