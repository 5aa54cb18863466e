import { randomUUID } from "node:crypto";
import { eventContext, type InvoicePrinted, type SkuQuantity } from "../../domain/events.ts";
import { isMarketplace } from "../../domain/order-kinds.ts";
import { type ReturnVerdict, returnVerdict, type Verdict } from "../../domain/verdicts.ts";
import { digest } from "../../store/mysql/ids.ts";
import {
  type DeliveryFields,
  type InvoiceContents,
  invoiceContents,
  markInvoices,
  type RecordedDelivery,
  recordedDelivery,
  updatedContents,
  writeDelivery,
} from "../../store/orders/order-documents.ts";
import { recordedSkus, writeShippedLines } from "../../store/orders/order-lines.ts";
import { markRefund, refundMark } from "../../store/orders/write-orders.ts";
import type { Invoice } from "../../store/reads/goods.ts";
import { commitChange, unchanged } from "../commit-change.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { assertVisible, visibilityOf } from "../order-scope.ts";

/**
 * Legacy operation 3 (returnOrder): sets the refund mark of an order that was handed over and is
 * not cancelled. ReturnMarked is published when it was not set before.
 */
export async function returnOrder(
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<Verdict<ReturnVerdict>> {
  const { db } = deps;
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  return commitChange(
    deps,
    {
      orderId,
      cause,
      requestId: "",
      content: [],
      reads: { refundMarked: refundMark(db, orderId) },
      decide({ order, reads: { refundMarked }, now }) {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        const result = returnVerdict(order);
        if (result.verdict !== "MARKED" || refundMarked) {
          return unchanged(result);
        }
        const common = eventContext(order, `${orderId}-return-${randomUUID()}`, cause, now);
        return {
          result,
          events: [{ type: "return-marked", ...common }],
          statements: [markRefund(db, orderId, now)],
        };
      },
    },
    context,
  );
}

export interface MarkInvoicesPrintedInput {
  readonly orderIds: readonly bigint[];
  /** A field that is "" keeps its value. */
  readonly invoice: Invoice;
  readonly sendEmail: boolean;
}

/**
 * Legacy operation 13 (updateOrderInvoiceStatus): marks invoices as printed. The message id of the
 * event is derived from the invoice's content, so that a repeat is the same event and is mailed
 * once. Orders without an invoice are missing, in ascending order.
 */
export async function markInvoicesPrinted(
  deps: OperationDeps,
  { invoice, sendEmail, ...input }: MarkInvoicesPrintedInput,
  context: CallContext,
): Promise<{ readonly updatedCount: number; readonly missingOrderIds: bigint[] }> {
  const { db } = deps;
  const orderIds = [...new Set(input.orderIds)].toSorted((a, b) => (a < b ? -1 : 1));
  const [orderId, ...otherOrderIds] = orderIds.filter(await visibilityOf(deps, orderIds, context));
  if (orderId === undefined) {
    return { updatedCount: 0, missingOrderIds: orderIds };
  }
  const cause = causeOf(context, "");
  return commitChange(
    deps,
    {
      orderId,
      otherOrderIds,
      cause,
      requestId: "",
      content: [],
      reads: { invoices: invoiceContents(db, [orderId, ...otherOrderIds]) },
      decide({ orders, reads: { invoices }, now }) {
        const marked = orders.filter((order) => invoices.has(order.orderId));
        const markedIds = marked.map((order) => order.orderId);
        const events = marked.map((order): InvoicePrinted => {
          const content = updatedContents(invoices.get(order.orderId) as InvoiceContents, invoice);
          const messageId = `${order.orderId}-invoice-${digest([...content, sendEmail]).toString("hex")}`;
          return { type: "invoice-printed", ...eventContext(order, messageId, cause, now), sendEmail };
        });
        const missingOrderIds = orderIds.filter((id) => !markedIds.includes(id));
        return {
          result: { updatedCount: marked.length, missingOrderIds },
          events,
          statements: marked.length === 0 ? [] : [markInvoices(db, markedIds, invoice)],
        };
      },
    },
    context,
  );
}

export interface UpdateDeliveryInfoInput extends DeliveryFields {
  readonly orderId: bigint;
  readonly operator: string;
}

export interface UpdateDeliveryInfoResult {
  readonly changed: boolean;
  /** Whether this call causes a message to a marketplace. */
  readonly thirdPartyNotified: boolean;
}

/**
 * Legacy operation 14 (updateDeliveryInfo): the carrier of the parcel. DeliveryChanged is published
 * when something differs.
 */
export async function updateDeliveryInfo(
  deps: OperationDeps,
  { orderId, deliveryId, deliveryCompany, waybillNo, operator }: UpdateDeliveryInfoInput,
  context: CallContext,
): Promise<UpdateDeliveryInfoResult> {
  const { db, kinds } = deps;
  const delivery = { deliveryId, deliveryCompany, waybillNo };
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  return commitChange<UpdateDeliveryInfoResult, { readonly before: RecordedDelivery | undefined }>(
    deps,
    {
      orderId,
      cause,
      requestId: "",
      content: [],
      reads: { before: recordedDelivery(db, orderId) },
      decide({ order, reads: { before }, now }) {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        if (
          before?.deliveryId === deliveryId &&
          before.deliveryCompany === deliveryCompany &&
          before.waybillNo === waybillNo
        ) {
          return unchanged({ changed: false, thirdPartyNotified: false });
        }
        const common = eventContext(order, `${orderId}-delivery-${randomUUID()}`, cause, now);
        return {
          result: { changed: true, thirdPartyNotified: isMarketplace(kinds, order) },
          events: [{ type: "delivery-changed", ...common, ...delivery }],
          statements: [writeDelivery(db, orderId, delivery, before === undefined ? "insert" : "update")],
        };
      },
    },
    context,
  );
}

export interface RecordShippedQuantitiesInput {
  readonly orderId: bigint;
  /** Each SKU once. */
  readonly lines: readonly SkuQuantity[];
  /** "" for none. */
  readonly requestId: string;
  readonly operator: string;
}

/**
 * Legacy operation 15 (recordSkuDeliveryNum): the shipped quantities, which settlement uses in
 * place of the ordered ones. The quantity of a SKU replaces an earlier one.
 */
export async function recordShippedQuantities(
  deps: OperationDeps,
  { orderId, lines, requestId, operator }: RecordShippedQuantitiesInput,
  context: CallContext,
): Promise<{ readonly recordedCount: number }> {
  const quantities = lines.map(({ skuId, quantity }) => [String(skuId), quantity]);
  const content = ["shipped", String(orderId), quantities, operator];
  const { db } = deps;
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  return commitChange(
    deps,
    {
      orderId,
      cause,
      requestId,
      content,
      reads: { recorded: recordedSkus(db, orderId) },
      decide({ order, reads: { recorded }, now }) {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        const common = eventContext(order, `${orderId}-shipped-${randomUUID()}`, cause, now);
        return {
          result: { recordedCount: lines.length },
          events: [{ type: "quantities-shipped", ...common, lines }],
          statements: writeShippedLines(db, orderId, lines, recorded),
        };
      },
    },
    context,
  );
}
