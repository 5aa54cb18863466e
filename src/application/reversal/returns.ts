import { randomUUID } from "node:crypto";
import { eventContext, type OrderEvent, type SkuQuantity } from "../../domain/events.ts";
import { type ReturnVerdict, returnVerdict } from "../../domain/verdicts.ts";
import { type ChangeTransaction, commitChange, unchanged } from "../../store/commit/commit-change.ts";
import { nextId } from "../../store/mysql/ids.ts";
import { lockOrder } from "../../store/orders/order-row.ts";
import { insertReturn, readReturnedLines } from "../../store/orders/reversal-rows.ts";
import { markRefund } from "../../store/orders/write-orders.ts";
import { readDetailLines, readShippedLines } from "../../store/reads/goods.ts";
import { type ReturnDetail, readReturnDetails } from "../../store/reads/reversal.ts";
import { answerOnce } from "../answer-once.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, orderNotFound } from "../errors.ts";
import { assertVisible, type Scoped, visibilityOf } from "../order-scope.ts";

export interface RequestReturnInput {
  readonly orderId: bigint;
  /** Each SKU once. */
  readonly lines: readonly SkuQuantity[];
  readonly reason: string;
  /** "" for none. */
  readonly requestId: string;
  readonly operator: string;
}

export interface RequestReturnResult {
  /** 0n where the verdict is not MARKED. */
  readonly returnId: bigint;
  readonly verdict: ReturnVerdict;
}

/**
 * Records a return (legacy process_flag 105): its lines, the refund mark (operation 3) and the
 * events are one commit under the order's lock, so that concurrent returns cannot take back more
 * than was shipped.
 */
export async function requestReturn(
  deps: OperationDeps,
  { orderId, lines, reason, requestId, operator }: RequestReturnInput,
  context: CallContext,
): Promise<RequestReturnResult> {
  const quantities = lines.map(({ skuId, quantity }) => [String(skuId), quantity]);
  const content = ["return requested", String(orderId), quantities, reason, operator];
  const { changes, kinds } = deps;
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  return commitChange(changes, async (trx, now) => {
    const order = await lockOrder(trx, orderId, kinds, context.orderScope);
    return answerOnce<RequestReturnResult>(
      trx,
      { requestId, requestNamespace: context.requestNamespace, orderId, content },
      now,
      async () => {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        const { verdict } = returnVerdict(order);
        if (verdict !== "MARKED") {
          return unchanged({ returnId: 0n, verdict });
        }
        await assertReturnable(trx, orderId, lines);
        const returnId = nextId();
        await insertReturn(trx, { returnId, orderId, lines, reason, cause }, now);
        const common = eventContext(order, `${orderId}-return-${returnId}-requested`, cause, now);
        const events: OrderEvent[] = [{ type: "return-requested", ...common, returnId, lines, reason }];
        if (!order.refundMarked) {
          await markRefund(trx, orderId, now);
          const messageId = `${orderId}-return-${randomUUID()}`;
          events.push({ type: "return-marked", ...eventContext(order, messageId, cause, now) });
        }
        return { result: { returnId, verdict }, events };
      },
    );
  });
}

/**
 * Not more is returned than was shipped (or ordered, without a record of shipping) and not returned
 * yet.
 */
async function assertReturnable(trx: ChangeTransaction, orderId: bigint, lines: readonly SkuQuantity[]): Promise<void> {
  const recorded = await readShippedLines(trx, orderId);
  const shippedBySku = bySku(recorded.length > 0 ? recorded : await readDetailLines(trx, orderId));
  const returnedBySku = bySku(await readReturnedLines(trx, orderId));
  for (const [index, { skuId, quantity }] of lines.entries()) {
    const [shipped = 0, returned = 0] = [shippedBySku.get(skuId), returnedBySku.get(skuId)];
    if (quantity > shipped - returned) {
      throw invalidField(
        `lines[${index}].quantity`,
        `must be at most ${Math.max(shipped - returned, 0)} for sku_id ${skuId} (${shipped} shipped, ${returned} returned before), was ${quantity}`,
      );
    }
  }
}

function bySku(lines: readonly SkuQuantity[]): ReadonlyMap<bigint, number> {
  return new Map(lines.map(({ skuId, quantity }) => [skuId, quantity]));
}

/** The legacy `detail/orderIds`: the return lines of orders. */
export async function listReturnDetails(
  deps: OperationDeps,
  { orderIds }: { readonly orderIds: readonly bigint[] },
  context: Scoped,
): Promise<ReturnDetail[]> {
  const uniqueIds = [...new Set(orderIds)];
  return readReturnDetails(deps.db, uniqueIds.filter(await visibilityOf(deps, uniqueIds, context)));
}
