import type { LegacyRpc } from "../legacy/rpcs.ts";
import type { Failure } from "../transport/failures.ts";

/** What a front tells of what the contract says. */
export interface Coverage {
  /** The part of a response that an answer tells. */
  covered<Expected extends object>(rpc: LegacyRpc, expected: Expected): Partial<Expected>;
  /** A failure as a caller gets to know it. */
  failure(expected: Failure): Failure;
}

/** A front that serves the contract tells all of it. */
export const FULL_COVERAGE: Coverage = { covered: (_, expected) => expected, failure: (expected) => expected };

/** The fields of responses that an old answer tells. */
const TOLD: Readonly<Record<LegacyRpc, readonly string[]>> = {
  pauseForCancel: ["verdict", "message"],
  pauseForRejection: ["verdict", "message"],
  returnOrder: ["verdict", "message"],
  setOrderPause: ["success", "message"],
  getPaymentStatus: ["paid"],
  cancelOrder: ["orderStatus"],
  getOrderStatus: ["orderId", "orderStatus", "returnIds"],
  updateOrderStatus: ["orderId", "orderStatus"],
  checkPayable: ["payable", "reason"],
  getMaxSubOrderStatus: ["orderStatus"],
  listOrderSources: ["sources"],
  listShipmentTypes: ["shipmentTypes"],
  markInvoicesPrinted: ["updatedCount", "missingOrderIds"],
  updateDeliveryInfo: [],
  recordShippedQuantities: ["recordedCount"],
  listReturnDetails: ["details"],
};

/** Old names of what is not called the same in another spelling. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  root_order_id: "orderId",
  order_ids: "orders",
  tax_payer_code: "taxCode",
  lines: "skus",
};

/** An old answer has fewer fields, one return id, and a failure's text for its details, by the old names. */
export const LEGACY_COVERAGE: Coverage = {
  covered(rpc, expected) {
    const fields = Object.entries(expected).filter(([name]) => TOLD[rpc].includes(name));
    return Object.fromEntries(
      fields.map(([name, value]) => [name, name === "returnIds" ? value.slice(-1) : value]),
    ) as Partial<typeof expected>;
  },
  failure({ code, message, details }) {
    const { fieldViolations } = (details.BadRequest ?? {}) as {
      readonly fieldViolations?: readonly { readonly field: string; readonly description: string }[];
    };
    const faults = fieldViolations?.map(({ field, description }) => `${oldNameOf(field)}: ${description}`);
    return { code, message: faults?.join("; ") ?? message, details: {} };
  },
};

/** `order_ids[1]` is `orders[1]`; what is inside of a list keeps its name. */
function oldNameOf(field: string): string {
  return field.replace(
    /^\w+/,
    (name) => OLD_NAMES[name] ?? name.replace(/_[a-z]/g, (letter) => letter.slice(1).toUpperCase()),
  );
}
