import type { Order } from "../../domain/order.ts";
import { isVirtual, type OrderKinds } from "../../domain/order-kinds.ts";
import { isInScope } from "../../domain/order-scope.ts";
import { withState } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import { creationEvent } from "../../domain/status-report.ts";
import type { ReadResults } from "../../store/commit/order-change.ts";
import { nextId } from "../../store/mysql/ids.ts";
import type { OrderLine } from "../../store/orders/order-lines.ts";
import type { Invoice } from "../../store/reads/goods.ts";
import { commitChange } from "../commit-change.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, OperationError } from "../errors.ts";
import { assertVisible } from "../order-scope.ts";

export interface SubmitOrderInput {
  /** 0n: one is generated. */
  readonly orderId: bigint;
  /** 0n: the order is a trade of its own. */
  readonly rootParentId: bigint;
  readonly orderSource: number;
  readonly orderType: number;
  readonly lines: readonly OrderLine[];
  /** "" for none. */
  readonly rechargeAccount: string;
  readonly invoice: Invoice | undefined;
  /** "" for none. */
  readonly requestId: string;
  readonly operator: string;
}

/** Version 1 of an order is its creation. */
const FIRST_VERSION = 1;

/**
 * Creates an order in CREATED, with its lines, its history and its event in one commit. It waits
 * for its payment; then the forward flow moves it.
 */
export async function submitOrder(
  deps: OperationDeps,
  input: SubmitOrderInput,
  context: CallContext,
): Promise<{ readonly orderId: bigint }> {
  assertComplete(input, deps.kinds);
  assertMaySubmit(input, context);
  if (input.rootParentId !== 0n) {
    await assertVisible(deps, input.rootParentId, context);
  }
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await submitWithId(deps, input, input.orderId === 0n ? nextId() : input.orderId, context);
    } catch (error) {
      // Another server generated the same id.
      const isTaken = error instanceof OperationError && error.kind === "order-exists";
      if (!isTaken || input.orderId !== 0n || attempts === MAX_GENERATED_IDS) {
        throw error;
      }
    }
  }
}

/** Generated ids that are tried. */
const MAX_GENERATED_IDS = 5;

function submitWithId(
  { kinds, committer }: OperationDeps,
  input: SubmitOrderInput,
  orderId: bigint,
  context: CallContext,
): Promise<{ readonly orderId: bigint }> {
  const { requestId, rechargeAccount, invoice } = input;
  const cause = causeOf(context, input.operator);
  return commitChange<{ readonly orderId: bigint }, ReadResults>(
    { committer },
    {
      orderId,
      creates: true,
      cause,
      requestId,
      content: contentOf(input),
      reads: {},
      decide({ now }) {
        const lines = mergeLines(input.lines);
        const order = newOrder(input, orderId, lines, kinds, now);
        const event = creationEvent(order, { cause, requestId, remark: "" }, now);
        const created = [{ order, parentId: 0n, rechargeAccount, lines, invoice, event }];
        return { result: { orderId }, events: [event], created };
      },
    },
    context,
  );
}

/** Recharges need an account, shipped goods a warehouse. */
function assertComplete(input: SubmitOrderInput, kinds: OrderKinds): void {
  if (isVirtual(kinds, input)) {
    if (input.rechargeAccount === "") {
      throw invalidField("recharge_account", `must be given for order_type ${input.orderType}, a recharge; was ""`);
    }
    return;
  }
  const index = input.lines.findIndex(({ warehouseId }) => warehouseId === 0n);
  if (index !== -1) {
    throw invalidField(`lines[${index}].warehouse_id`, "must be greater than 0 for goods that are shipped, was 0");
  }
}

/**
 * A restricted caller submits orders of its own sources. It cannot choose their ids: a taken id
 * would show that another source has an order of that id.
 */
function assertMaySubmit({ orderId, orderSource }: SubmitOrderInput, { caller, orderScope }: CallContext): void {
  if (orderScope === undefined) {
    return;
  }
  const restriction = `${caller} is restricted to orders of source ${[...orderScope].join(", ")}`;
  if (!isInScope(orderScope, orderSource)) {
    throw new OperationError("permission-denied", `order_source: ${restriction}, was ${orderSource}`);
  }
  if (orderId !== 0n) {
    const message = `order_id: ${restriction} and gets a generated id: must be 0, was ${orderId}`;
    throw new OperationError("permission-denied", message);
  }
}

function newOrder(
  { rootParentId, orderSource, orderType }: SubmitOrderInput,
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

/** Merges lines with the same SKU and warehouse. */
function mergeLines(lines: readonly OrderLine[]): OrderLine[] {
  const groups = Map.groupBy(lines, ({ skuId, warehouseId }) => `${skuId} ${warehouseId}`);
  return [...groups.values()].map((same) => ({
    ...(same[0] as OrderLine),
    quantity: same.reduce((sum, { quantity }) => sum + quantity, 0),
  }));
}

function contentOf(input: SubmitOrderInput): readonly unknown[] {
  const { orderId, rootParentId, orderSource, orderType, lines, rechargeAccount, invoice, operator } = input;
  return [
    "submitted",
    String(orderId),
    String(rootParentId),
    orderSource,
    orderType,
    lines.map(({ skuId, quantity, warehouseId }) => [String(skuId), quantity, String(warehouseId)]),
    rechargeAccount,
    invoice === undefined ? null : [invoice.title, invoice.content, invoice.taxPayerCode, invoice.email],
    operator,
  ];
}
