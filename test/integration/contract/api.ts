import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import type { Clients } from "../../support/clients.ts";
import type { Failure } from "../../support/failures.ts";
import type { LegacyClients } from "../legacy/client.ts";
import type { LegacyRpc } from "../legacy/rpcs.ts";

/**
 * What tests of the legacy operations use: clients, their coverage of the contract, and the
 * database.
 */
export interface LegacyContractApi extends Coverage {
  /** Client over the tested transport. */
  readonly client: LegacyClients["client"];
  readonly reversal: LegacyClients["reversal"];
  readonly db: OrderDatabase;
}

/** What tests of operations without legacy counterpart use. */
export interface ContractApi extends LegacyContractApi {
  readonly client: Clients["client"];
  readonly reversal: Clients["reversal"];
}

/** How much of the contract a transport covers. */
export interface Coverage {
  /** The part of a response that is covered. */
  covered<Expected extends object>(rpc: LegacyRpc, expected: Expected): Partial<Expected>;
  /** A failure as far as it is covered. */
  failure(expected: Failure): Failure;
}

/** Transports of the contract cover all of it. */
export const FULL_COVERAGE: Coverage = { covered: (_, expected) => expected, failure: (expected) => expected };

/** The response fields in legacy responses. */
const COVERED_FIELDS: Readonly<Record<LegacyRpc, readonly string[]>> = {
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

/** Legacy field names that are not just the camel-case form. */
const LEGACY_NAMES: Readonly<Record<string, string>> = {
  root_order_id: "orderId",
  order_ids: "orders",
  tax_payer_code: "taxCode",
  lines: "skus",
};

/**
 * Legacy responses have fewer fields, one return id, and text with legacy field names instead of
 * error details.
 */
export const LEGACY_COVERAGE: Coverage = {
  covered(rpc, expected) {
    const fields = Object.entries(expected).filter(([name]) => COVERED_FIELDS[rpc].includes(name));
    return Object.fromEntries(
      fields.map(([name, value]) => [name, name === "returnIds" ? value.slice(-1) : value]),
    ) as Partial<typeof expected>;
  },
  failure({ code, message, details }) {
    const { fieldViolations } = (details.BadRequest ?? {}) as {
      readonly fieldViolations?: readonly { readonly field: string; readonly description: string }[];
    };
    const violations = fieldViolations?.map(({ field, description }) => `${legacyName(field)}: ${description}`);
    return { code, message: violations?.join("; ") ?? message, details: {} };
  },
};

/** `order_ids[1]` is `orders[1]`; fields of list items keep their names. */
function legacyName(field: string): string {
  return field.replace(
    /^\w+/,
    (name) => LEGACY_NAMES[name] ?? name.replace(/_[a-z]/g, (letter) => letter.slice(1).toUpperCase()),
  );
}

/** An invalid field, with the rule and the value. */
export type Violation = readonly [field: string, description: string];

/** The description for a text of x, one character too long. */
export const tooLong = (max: number): string =>
  `must be at most ${max} characters, was "${"x".repeat(64)}"… (${max + 1} characters)`;

/** The same for a text that may contain personal data. */
export const tooLongAndMasked = (max: number): string =>
  `must be at most ${max} characters, was *** (${max + 1} characters)`;

/** Maximum length of an error message, in bytes. */
const MAX_MESSAGE_BYTES = 600;

/** The failure of a call with these violations. */
export function invalid(violations: readonly Violation[]): Failure {
  const text = violations.map(([field, description]) => `${field}: ${description}`).join("; ");
  const bytes = Buffer.from(text);
  return {
    code: "InvalidArgument",
    message: bytes.length > MAX_MESSAGE_BYTES ? `${bytes.subarray(0, MAX_MESSAGE_BYTES)}…` : text,
    details: {
      BadRequest: { fieldViolations: violations.map(([field, description]) => ({ field, description, reason: "" })) },
    },
  };
}
