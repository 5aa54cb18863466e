import { randomUUID } from "node:crypto";
import { eventContext, type InvoicePrinted, type SkuQuantity } from "../../domain/events.ts";
import { isMarketplace } from "../../domain/order-kinds.ts";
import { type ReturnVerdict, returnVerdict, type Verdict } from "../../domain/verdicts.ts";
import { commitChange, unchanged } from "../../store/commit/commit-change.ts";
import { digest } from "../../store/mysql/ids.ts";
import { type DeliveryFields, markInvoices, readDelivery, writeDelivery } from "../../store/orders/order-documents.ts";
import { writeShippedLines } from "../../store/orders/order-lines.ts";
import { lockOrder, lockOrders } from "../../store/orders/order-row.ts";
import { markRefund } from "../../store/orders/write-orders.ts";
import type { Invoice } from "../../store/reads/goods.ts";
import { answerOnce } from "../answer-once.ts";
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
  const { changes, kinds } = deps;
  await assertVisible(deps, orderId, context);
  return commitChange(changes, async (trx, now) => {
    const order = await lockOrder(trx, orderId, kinds, context.orderScope);
    if (order === undefined) {
      throw orderNotFound(orderId);
    }
    const result = returnVerdict(order);
    if (result.verdict !== "MARKED" || order.refundMarked) {
      return unchanged(result);
    }
    await markRefund(trx, orderId, now);
    const common = eventContext(order, `${orderId}-return-${randomUUID()}`, causeOf(context, operator), now);
    return { result, events: [{ type: "return-marked", ...common }] };
  });
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
  const { changes, kinds } = deps;
  const orderIds = [...new Set(input.orderIds)].toSorted((a, b) => (a < b ? -1 : 1));
  const visibleIds = orderIds.filter(await visibilityOf(deps, orderIds, context));
  const cause = causeOf(context, "");
  return commitChange(changes, async (trx, now) => {
    const orders = await lockOrders(trx, visibleIds, kinds, context.orderScope);
    const contents = await markInvoices(
      trx,
      orders.map(({ orderId }) => orderId),
      invoice,
    );
    const events = orders.flatMap((order): InvoicePrinted[] => {
      const content = contents.get(order.orderId);
      if (content === undefined) {
        return [];
      }
      const messageId = `${order.orderId}-invoice-${digest([...content, sendEmail]).toString("hex")}`;
      return [{ type: "invoice-printed", ...eventContext(order, messageId, cause, now), sendEmail }];
    });
    const missingOrderIds = orderIds.filter((id) => !contents.has(id));
    return { result: { updatedCount: contents.size, missingOrderIds }, events };
  });
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
  const { changes, kinds } = deps;
  const delivery = { deliveryId, deliveryCompany, waybillNo };
  await assertVisible(deps, orderId, context);
  return commitChange<UpdateDeliveryInfoResult>(changes, async (trx, now) => {
    const order = await lockOrder(trx, orderId, kinds, context.orderScope);
    if (order === undefined) {
      throw orderNotFound(orderId);
    }
    const before = await readDelivery(trx, orderId);
    if (
      before?.deliveryId === deliveryId &&
      before.deliveryCompany === deliveryCompany &&
      before.waybillNo === waybillNo
    ) {
      return unchanged({ changed: false, thirdPartyNotified: false });
    }
    await writeDelivery(trx, orderId, delivery, before === undefined ? "insert" : "update");
    const common = eventContext(order, `${orderId}-delivery-${randomUUID()}`, causeOf(context, operator), now);
    return {
      result: { changed: true, thirdPartyNotified: isMarketplace(kinds, order) },
      events: [{ type: "delivery-changed", ...common, ...delivery }],
    };
  });
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
  const { changes, kinds } = deps;
  await assertVisible(deps, orderId, context);
  return commitChange(changes, async (trx, now) => {
    const order = await lockOrder(trx, orderId, kinds, context.orderScope);
    return answerOnce(
      trx,
      { requestId, requestNamespace: context.requestNamespace, orderId, content },
      now,
      async () => {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        await writeShippedLines(trx, orderId, lines);
        const common = eventContext(order, `${orderId}-shipped-${randomUUID()}`, causeOf(context, operator), now);
        return {
          result: { recordedCount: lines.length },
          events: [{ type: "quantities-shipped", ...common, lines }],
        };
      },
    );
  });
}
