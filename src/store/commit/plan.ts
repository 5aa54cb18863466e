import { randomUUID } from "node:crypto";
import type { CompiledQuery } from "kysely";
import type { Cause, StatusChanged } from "../../domain/events.ts";
import { type LegacyMainColumns, legacyColumns } from "../../domain/legacy-columns.ts";
import type { Order } from "../../domain/order.ts";
import { isInScope } from "../../domain/order-scope.ts";
import { applyPause, type PauseRequest, type PauseResult } from "../../domain/pause.ts";
import { applyTransition, evaluateReport, type ReportResult, type StatusReport } from "../../domain/status-report.ts";
import { DatabaseUnavailableError } from "../mysql/errors.ts";
import type { NewOrder } from "../orders/insert-orders.ts";
import {
  decodeAnswer,
  decodeReport,
  digestOfReport,
  encodeAnswer,
  encodeReport,
  findKnownRequest,
  type KnownRequest,
  type RequestName,
  requestKey,
} from "../orders/request-answers.ts";
import type { EventDeps } from "../outbox/outbox.ts";
import { type PreparedEvent, prepareEvent } from "../outbox/write-events.ts";
import {
  type ChangeOutcome,
  type DecidedChange,
  type OrderChange,
  orderIdsOfChange,
  type ReadResults,
} from "./order-change.ts";
import type { BatchFacts } from "./read-batch.ts";
import type { PendingChange, PendingPause, PendingReport, PendingRequest } from "./types.ts";

/** A row of the history. */
export interface HistoryRow extends Pick<StatusChanged, "version" | "fromStatus" | "toStatus" | "occurTime">, Cause {
  readonly orderId: bigint;
  readonly outcome: "APPLIED" | "STALE";
  readonly requestId: string;
  readonly remark: string;
}

/** The first answer to a request id. */
export interface NewAnswer extends KnownRequest {
  /** The key of the request in the table. */
  readonly key: string;
  readonly orderId: bigint;
}

/** Everything that a batch writes, and the callers' answers once it is written. */
export interface BatchPlan {
  readonly now: Date;
  /** Orders to insert. */
  readonly created: readonly NewOrder[];
  /** Changed orders, in their last state. */
  readonly orders: readonly Order[];
  /** Orders by what their new states set in legacy columns of the main table. */
  readonly legacyUpdates: ReadonlyMap<LegacyMainColumns, readonly bigint[]>;
  /** Writes to tables that only single changes write. */
  readonly statements: readonly CompiledQuery[];
  readonly history: readonly HistoryRow[];
  readonly events: readonly PreparedEvent[];
  readonly answers: readonly NewAnswer[];
  /** One for each request, in the order of the requests. */
  readonly settleCallbacks: readonly (() => void)[];
}

/**
 * Decides a batch in memory, in the order of its requests: each sees the changes of those before
 * it. A request that cannot be decided (its event does not encode) fails alone.
 */
export function planBatch(
  requests: readonly PendingRequest[],
  facts: BatchFacts,
  deps: EventDeps,
  now: Date,
): BatchPlan {
  const draft = new Draft(facts, deps, now);
  const settleCallbacks = requests.map((pending) => {
    try {
      return planOne(draft, pending);
    } catch (error) {
      return () => pending.reject(error);
    }
  });
  return {
    now,
    created: draft.created,
    orders: [...draft.changed].map((id) => draft.orders.get(id) as Order),
    legacyUpdates: draft.legacyUpdates,
    statements: draft.statements,
    history: draft.history,
    events: draft.events,
    answers: draft.answers,
    settleCallbacks,
  };
}

function planOne(draft: Draft, pending: PendingRequest): () => void {
  if (pending.request.kind === "change") {
    const { resolve } = pending as PendingChange;
    const outcome = planChange(draft, pending as PendingChange);
    return () => resolve(outcome);
  }
  const visible = isVisible(draft, pending, pending.request.orderId);
  if (pending.request.kind === "pause") {
    const { resolve } = pending as PendingPause;
    const result = visible ? planPause(draft, pending.request) : NOT_FOUND;
    return () => resolve(result);
  }
  const { resolve } = pending as PendingReport;
  const result = visible ? planReport(draft, pending.request) : NOT_FOUND;
  return () => resolve(result);
}

const NOT_FOUND = { kind: "not-found" } as const;

/** Whether the call may see the order; decided on the row that is locked for the change. */
function isVisible({ orders }: Draft, { call: { orderScope } }: PendingRequest, orderId: bigint): boolean {
  return orderScope === undefined || isInScope(orderScope, orders.get(orderId)?.orderSource ?? 0);
}

/** A batch that is being decided. */
class Draft {
  readonly orders: Map<bigint, Order>;
  readonly knownRequests: Map<string, KnownRequest>;
  readonly created: NewOrder[] = [];
  readonly statements: CompiledQuery[] = [];
  readonly changed = new Set<bigint>();
  readonly legacyUpdates = new Map<LegacyMainColumns, bigint[]>();
  readonly history: HistoryRow[] = [];
  readonly events: PreparedEvent[] = [];
  readonly answers: NewAnswer[] = [];
  readonly facts: BatchFacts;
  readonly deps: EventDeps;
  readonly now: Date;

  constructor(facts: BatchFacts, deps: EventDeps, now: Date) {
    this.facts = facts;
    this.orders = new Map(facts.orders);
    this.knownRequests = new Map(facts.knownRequests);
    this.deps = deps;
    this.now = now;
  }

  /** Encodes first: if that fails, nothing has changed yet. */
  apply({ events, after, created = [], statements = [] }: Omit<DecidedChange<unknown>, "result">): void {
    this.events.push(...events.map((event) => prepareEvent(event, this.deps)));
    if (after !== undefined) {
      this.orders.set(after.orderId, after);
      this.changed.add(after.orderId);
    }
    for (const one of created) {
      this.orders.set(one.order.orderId, one.order);
      this.created.push(one);
    }
    this.statements.push(...statements);
    for (const event of events) {
      if (event.type === "status-changed") {
        this.#recordTransition(event);
      }
    }
  }

  #recordTransition(event: StatusChanged): void {
    const { orderId, version, fromStatus, toStatus, occurTime, requestId, remark } = event;
    const { caller, operator, authenticatedOperator, traceparent } = event;
    const cause = { caller, operator, authenticatedOperator, traceparent };
    const outcome = "APPLIED";
    this.history.push({ orderId, version, fromStatus, toStatus, outcome, occurTime, requestId, remark, ...cause });
    const { main } = legacyColumns(toStatus);
    // A new order is inserted with these columns.
    if (main !== undefined && fromStatus !== 0) {
      const orderIds = this.legacyUpdates.get(main);
      if (orderIds === undefined) {
        this.legacyUpdates.set(main, [orderId]);
      } else {
        orderIds.push(orderId);
      }
    }
  }

  /** The first answer to the request id of a request, if it is known. */
  findAnswer(request: RequestName, contentDigest: Buffer): KnownRequest | undefined {
    return request.requestId === ""
      ? undefined
      : findKnownRequest(request, contentDigest, (key) => this.knownRequests.get(key));
  }

  addAnswer(request: RequestName & { readonly orderId: bigint }, digest: Buffer, answer: string): void {
    if (request.requestId !== "") {
      const key = requestKey(request);
      this.knownRequests.set(key, { digest, answer });
      this.answers.push({ key, digest, answer, orderId: request.orderId });
    }
  }
}

const REQUEST_ID_REUSED = { kind: "request-id-reused" } as const;

/** A known request id gets its first answer; any other report is evaluated by the domain. */
function planReport(draft: Draft, report: StatusReport): ReportResult {
  const { orderId, requestId } = report;
  const digest = requestId === "" ? undefined : digestOfReport(report);
  const known = digest && draft.findAnswer(report, digest);
  if (known !== undefined) {
    return digest?.equals(known.digest) ? decodeReport(known.answer) : REQUEST_ID_REUSED;
  }
  const order = draft.orders.get(orderId);
  const result = evaluateReport(order, report);
  if (order === undefined || result.kind !== "accepted" || report.validateOnly) {
    return result;
  }
  if (result.outcome === "applied") {
    const { after, event } = applyTransition(order, report, draft.now);
    draft.apply({ events: [event], after });
  } else if (result.outcome === "stale") {
    draft.history.push(staleRow(draft, order, report));
  }
  if (digest !== undefined) {
    draft.addAnswer(report, digest, encodeReport(result));
  }
  return result;
}

function staleRow({ now }: Draft, order: Order, report: StatusReport): HistoryRow {
  return {
    orderId: order.orderId,
    version: order.version,
    fromStatus: order.status,
    toStatus: report.status,
    outcome: "STALE",
    occurTime: report.occurTime ?? now,
    requestId: report.requestId,
    remark: report.remark,
    ...report.cause,
  };
}

/** A known request id gets its first answer; any other change is decided by its use case. */
function planChange(draft: Draft, pending: PendingChange): ChangeOutcome<unknown> {
  const change: OrderChange = pending.request;
  const { orderId, contentDigest } = change;
  const known = draft.findAnswer(change, contentDigest);
  if (known !== undefined) {
    return contentDigest.equals(known.digest)
      ? { kind: "decided", result: decodeAnswer(known.answer) }
      : REQUEST_ID_REUSED;
  }
  if (change.creates && (draft.facts.existing.has(orderId) || draft.orders.has(orderId))) {
    if (pending.resent) {
      // It may be this very request that created the order.
      throw new DatabaseUnavailableError(new Error(`the outcome of creating order ${orderId} is unknown`));
    }
    return { kind: "order-exists" };
  }
  const visibleIds = orderIdsOfChange(change).filter((id) => isVisible(draft, pending, id));
  const orders = visibleIds.flatMap((id) => draft.orders.get(id) ?? []);
  const reads = Object.entries(change.reads).map(([name, read]) => [
    name,
    read.convert(draft.facts.reads.get(read) ?? []),
  ]);
  const decided = change.decide({
    order: orders.find((order) => order.orderId === orderId),
    orders,
    reads: Object.fromEntries(reads) as ReadResults,
    now: draft.now,
  });
  draft.apply(decided);
  if (decided.result !== undefined) {
    draft.addAnswer(change, contentDigest, encodeAnswer(decided.result));
  }
  return { kind: "decided", result: decided.result };
}

function planPause(draft: Draft, request: PauseRequest): PauseResult {
  const order = draft.orders.get(request.orderId);
  if (order === undefined) {
    return NOT_FOUND;
  }
  const applied = applyPause(order, request, randomUUID(), draft.now);
  if (applied !== undefined) {
    draft.apply({ events: [applied.event], after: applied.after });
  }
  const { status, isParent, isFinish } = order;
  return { kind: "paused", changed: applied !== undefined, order: { status, isParent, isFinish } };
}
