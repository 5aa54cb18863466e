import { randomUUID } from "node:crypto";
import type { Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import { PROCESS_FLAG } from "../../domain/reversal.ts";
import { type ReturnVerdict, returnVerdict } from "../../domain/verdicts.ts";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import { nextId } from "../mysql/ids.ts";
import { eventContext } from "../outbox/event-context.ts";
import { type Line, readDetailLines, readShippedLines } from "../reads/goods.ts";
import type { Database } from "../schema.ts";
import { setProcessFlag } from "./cancel-records.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { isSet, toSummary } from "./order-row.ts";
import { readStoredAnswer, storeAnswer } from "./request-answer.ts";
import type { ChangeDeps } from "./types.ts";

export interface ReturnRequest {
  readonly orderId: bigint;
  /** Each SKU once. */
  readonly lines: readonly Line[];
  readonly reason: string;
  /** "" for none. */
  readonly requestId: string;
  readonly cause: Cause;
}

/** More is to come back than was shipped and has not come back yet. */
export interface TooMany {
  readonly kind: "too-many";
  /** The line's place in the request. */
  readonly index: number;
  readonly shipped: number;
  readonly returned: number;
}

export interface ReturnTaken {
  readonly kind: "taken";
  /** 0n where the verdict is not MARKED. */
  readonly returnId: bigint;
  readonly verdict: ReturnVerdict;
}

type ReturnResult = ReturnTaken | TooMany | "request-id-reused" | undefined;

/**
 * Old process_flag 105: the return's lines, the refund mark (operation 3) and the events in one commit under the order's lock, so that two
 * returns at once cannot take back more than was shipped. Undefined where there is no such order.
 */
export function requestReturn(deps: ChangeDeps, request: ReturnRequest): Promise<ReturnResult> {
  const { orderId, lines, reason, requestId, cause } = request;
  const content = digest([
    "return requested",
    String(orderId),
    lines.map(({ skuId, quantity }) => [String(skuId), quantity]),
    reason,
    cause.operator,
  ]);
  return commitChange<ReturnResult>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    const known = await readStoredAnswer(trx, requestId, content);
    if (known !== undefined) {
      return unchanged(known === "reused" ? "request-id-reused" : decode(known.answer));
    }
    if (row === undefined) {
      return unchanged(undefined);
    }
    const order = toSummary(row);
    const { verdict } = returnVerdict(order);
    if (verdict !== "MARKED") {
      await storeAnswer(trx, { requestId, digest: content, answer: { returnId: "0", verdict }, orderId, now });
      return unchanged({ kind: "taken", returnId: 0n, verdict });
    }
    const tooMany = await findTooMany(trx, orderId, lines);
    if (tooMany !== undefined) {
      return unchanged(tooMany);
    }
    const returnId = await writeReturn(trx, request, now);
    const events: OrderEvent[] = [
      {
        type: "return-requested",
        ...eventContext(order, `${orderId}-return-${returnId}-requested`, cause, now),
        returnId,
        lines,
        reason,
      },
    ];
    if (!isSet(row.is_refund)) {
      await trx
        .updateTable("oms_db.oms_order_main")
        .set({ is_refund: 1, update_date: now })
        .where("order_id", "=", orderId)
        .execute();
      events.push({ type: "return-marked", ...eventContext(order, `${orderId}-return-${randomUUID()}`, cause, now) });
    }
    const answer = { returnId: String(returnId), verdict };
    await storeAnswer(trx, { requestId, digest: content, answer, orderId, now });
    return { result: { kind: "taken", returnId, verdict }, events };
  });
}

function decode(answer: unknown): ReturnTaken {
  const { returnId, verdict } = answer as { readonly returnId: string; readonly verdict: ReturnVerdict };
  return { kind: "taken", returnId: BigInt(returnId), verdict };
}

async function findTooMany(
  trx: Transaction<Database>,
  orderId: bigint,
  lines: readonly Line[],
): Promise<TooMany | undefined> {
  const recorded = await readShippedLines(trx, orderId);
  const shipped = bySku(recorded.length > 0 ? recorded : await readDetailLines(trx, orderId));
  const rows = await trx
    .selectFrom("ordercancel_db.order_return_detail")
    .select(({ fn }) => ["sku_id", fn.sum<string | null>("quantity").as("quantity")])
    .where("order_id", "=", orderId)
    .where("sku_id", "is not", null)
    .groupBy("sku_id")
    .execute();
  const returned = bySku(rows.map(({ sku_id, quantity }) => ({ skuId: sku_id as bigint, quantity: Number(quantity) })));
  for (const [index, { skuId, quantity }] of lines.entries()) {
    const [out = 0, back = 0] = [shipped.get(skuId), returned.get(skuId)];
    if (quantity > out - back) {
      return { kind: "too-many", index, shipped: out, returned: back };
    }
  }
  return undefined;
}

function bySku(lines: readonly Line[]): ReadonlyMap<bigint, number> {
  return new Map(lines.map(({ skuId, quantity }) => [skuId, quantity]));
}

async function writeReturn(
  trx: Transaction<Database>,
  { orderId, lines, reason, cause }: ReturnRequest,
  now: Date,
): Promise<bigint> {
  const returnId = nextId();
  await trx
    .insertInto("oms_db.oms_return_request")
    .values({
      return_id: returnId,
      order_id: orderId,
      reason,
      caller: cause.caller,
      operator: cause.operator,
      request_time: now,
    })
    .execute();
  await trx
    .insertInto("ordercancel_db.order_return_detail")
    .values(
      lines.map(({ skuId, quantity }) => ({
        order_id: orderId,
        return_id: returnId,
        sku_id: skuId,
        quantity,
        create_date: now,
      })),
    )
    .execute();
  await setProcessFlag(trx, orderId, PROCESS_FLAG.RETURN);
  return returnId;
}
