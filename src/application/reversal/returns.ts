import { randomUUID } from "node:crypto";
import { eventContext, type OrderEvent, type SkuQuantity } from "../../domain/events.ts";
import { type ReturnVerdict, returnVerdict } from "../../domain/verdicts.ts";
import type { ReadResults } from "../../store/commit/order-change.ts";
import { nextId } from "../../store/mysql/ids.ts";
import { insertReturn, returnedLines } from "../../store/orders/reversal-rows.ts";
import { markRefund, refundMark } from "../../store/orders/write-orders.ts";
import { detailLines, shippedLines } from "../../store/reads/goods.ts";
import { type ReturnDetail, readReturnDetails } from "../../store/reads/reversal.ts";
import { commitChange, unchanged } from "../commit-change.ts";
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
  const { db } = deps;
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  return commitChange<RequestReturnResult, ReturnFacts>(
    deps,
    {
      orderId,
      cause,
      requestId,
      content,
      reads: {
        refundMarked: refundMark(db, orderId),
        ordered: detailLines(db, orderId),
        shipped: shippedLines(db, orderId),
        returned: returnedLines(db, orderId),
      },
      decide({ order, reads, now }) {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        const { verdict } = returnVerdict(order);
        if (verdict !== "MARKED") {
          return unchanged({ returnId: 0n, verdict });
        }
        assertReturnable(lines, reads);
        const returnId = nextId();
        const statements = insertReturn(db, { returnId, orderId, lines, reason, cause }, now);
        const common = eventContext(order, `${orderId}-return-${returnId}-requested`, cause, now);
        const events: OrderEvent[] = [{ type: "return-requested", ...common, returnId, lines, reason }];
        if (!reads.refundMarked) {
          statements.push(markRefund(db, orderId, now));
          const messageId = `${orderId}-return-${randomUUID()}`;
          events.push({ type: "return-marked", ...eventContext(order, messageId, cause, now) });
        }
        return { result: { returnId, verdict }, events, statements };
      },
    },
    context,
  );
}

/** What a return is decided on. */
interface ReturnFacts extends ReadResults {
  readonly refundMarked: boolean;
  readonly ordered: readonly SkuQuantity[];
  /** Empty without a record of shipping. */
  readonly shipped: readonly SkuQuantity[];
  readonly returned: readonly SkuQuantity[];
}

/**
 * Not more is returned than was shipped (or ordered, without a record of shipping) and not returned
 * yet.
 */
function assertReturnable(lines: readonly SkuQuantity[], facts: ReturnFacts): void {
  const shippedBySku = bySku(facts.shipped.length > 0 ? facts.shipped : facts.ordered);
  const returnedBySku = bySku(facts.returned);
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
