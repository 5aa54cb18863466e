import type { Transaction } from "kysely";
import { type StatusChanged, statusMessageId } from "../../domain/events.ts";
import { isVirtual, type OrderKinds } from "../../domain/order-kinds.ts";
import { withState } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import { nextId } from "../mysql/ids.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Database } from "../schema.ts";
import { commitChange, unchanged } from "./change.ts";
import { type OrderLine, writeNewOrders } from "./new-orders.ts";
import type { Order } from "./order-row.ts";
import { readStoredAnswer, storeAnswer } from "./request-answer.ts";
import type { ChangeDeps } from "./types.ts";

export interface Submission {
  /** 0n: one is given out. */
  readonly orderId: bigint;
  /** 0n: the order is a trade of its own. */
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
  readonly lines: readonly OrderLine[];
  /** "" for none. */
  readonly rechargeAccount: string;
  readonly invoice: SubmittedInvoice | undefined;
  /** "" for none. */
  readonly requestId: string;
  readonly cause: Cause;
}

/** The invoice that the customer wants; "" where he does not say. */
export interface SubmittedInvoice {
  readonly title: string;
  readonly content: string;
  readonly taxPayerCode: string;
  readonly email: string;
}

type Submitted = { readonly orderId: bigint } | "request-id-reused" | "order-exists";

/** Version 1 of an order is that it was created. */
const FIRST_VERSION = 1;

/** Takes an order in, at CREATED, with its lines and its event in one commit. A repeat with the same request id gets the first order. */
export function submitOrder(deps: ChangeDeps, kinds: OrderKinds, submission: Submission): Promise<Submitted> {
  const { requestId } = submission;
  const content = digestOf(submission);
  return commitChange<Submitted>(deps, async (trx, now) => {
    // Before the answer, which is committed with the order: a repeat that overtakes its first attempt finds both or none.
    const taken = submission.orderId !== 0n && (await exists(trx, submission.orderId));
    const known = await readStoredAnswer(trx, requestId, content);
    if (known !== undefined) {
      return unchanged(
        known === "reused" ? "request-id-reused" : { orderId: BigInt((known.answer as { orderId: string }).orderId) },
      );
    }
    if (taken) {
      return unchanged("order-exists");
    }
    // A given-out id that is taken is a duplicate key: the whole transaction again, with another id.
    const orderId = submission.orderId === 0n ? nextId() : submission.orderId;
    const lines = addUp(submission.lines);
    const order = newOrder(submission, orderId, lines, kinds, now);
    const event: StatusChanged = {
      type: "status-changed",
      ...eventContext(order, statusMessageId(orderId, FIRST_VERSION), submission.cause, now),
      fromStatus: 0,
      toStatus: Status.CREATED,
      version: FIRST_VERSION,
      occurTime: now,
      requestId,
      remark: "",
      warehouseCount: order.warehouseCount,
    };
    const { rechargeAccount, invoice } = submission;
    await writeNewOrders(trx, [{ order, parentId: 0n, paid: false, rechargeAccount, lines, event }], now);
    if (invoice !== undefined) {
      await trx
        .insertInto("oms_db.oms_order_invoice")
        .values({
          order_id: orderId,
          invoice_title: invoice.title,
          invoice_content: invoice.content,
          invoice_tax_payer_code: invoice.taxPayerCode,
          invoice_email: invoice.email,
        })
        .execute();
    }
    await storeAnswer(trx, { requestId, digest: content, answer: { orderId: String(orderId) }, orderId, now });
    return { result: { orderId }, events: [event] };
  });
}

async function exists(trx: Transaction<Database>, orderId: bigint): Promise<boolean> {
  const row = await trx
    .selectFrom("oms_db.oms_order_main")
    .select("order_id")
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return row !== undefined;
}

function newOrder(
  { rootParentId, orderSource, orderType }: Submission,
  orderId: bigint,
  lines: readonly OrderLine[],
  kinds: OrderKinds,
  now: Date,
): Order {
  const virtual = isVirtual(kinds, { orderSource, orderType });
  return {
    orderId,
    rootParentId: rootParentId === 0n ? orderId : rootParentId,
    orderSource,
    orderType,
    warehouseCount: virtual ? 0 : new Set(lines.map(({ warehouseId }) => warehouseId)).size,
    status: Status.CREATED,
    version: FIRST_VERSION,
    paused: false,
    passed: withState(0, Status.CREATED),
    statusTime: now,
    virtual,
    isParent: false,
    isFinish: false,
  };
}

/** Lines of the same SKU in the same warehouse are one. */
function addUp(lines: readonly OrderLine[]): OrderLine[] {
  const groups = Map.groupBy(lines, ({ skuId, warehouseId }) => `${skuId} ${warehouseId}`);
  return [...groups.values()].map((same) => ({
    ...(same[0] as OrderLine),
    quantity: same.reduce((sum, { quantity }) => sum + quantity, 0),
  }));
}

function digestOf(submission: Submission): Buffer {
  const { orderId, rootParentId, orderSource, orderType, lines, rechargeAccount, invoice, cause } = submission;
  return digest([
    "submitted",
    String(orderId),
    String(rootParentId),
    orderSource,
    orderType,
    lines.map(({ skuId, quantity, warehouseId }) => [String(skuId), quantity, String(warehouseId)]),
    rechargeAccount,
    invoice === undefined ? null : [invoice.title, invoice.content, invoice.taxPayerCode, invoice.email],
    cause.operator,
  ]);
}
