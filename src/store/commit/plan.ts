import { randomUUID } from "node:crypto";
import type { OrderEvent } from "../../domain/events.ts";
import { type LegacyMainColumns, legacyColumns } from "../../domain/legacy-columns.ts";
import type { Order } from "../../domain/order.ts";
import { isInScope } from "../../domain/order-scope.ts";
import { applyPause, type PauseRequest, type PauseResult } from "../../domain/pause.ts";
import { applyTransition, evaluateReport, type ReportResult, type StatusReport } from "../../domain/status-report.ts";
import {
  decodeReport,
  digestOfReport,
  encodeReport,
  findKnownRequest,
  type KnownRequest,
  requestKey,
} from "../orders/request-answers.ts";
import { type PreparedEvent, prepareEvent } from "../outbox/append-events.ts";
import type { EventDeps } from "../outbox/outbox.ts";
import type { BatchFacts } from "./read-batch.ts";
import type { PendingPause, PendingReport, PendingRequest } from "./types.ts";

/** A row of the history. */
export interface HistoryRow {
  readonly report: StatusReport;
  readonly version: number;
  readonly fromStatus: number;
  readonly outcome: "APPLIED" | "STALE";
  readonly occurTime: Date;
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
  /** Changed orders, in their last state. */
  readonly orders: readonly Order[];
  /** Orders by what their new states set in legacy columns of the main table. */
  readonly legacyUpdates: ReadonlyMap<LegacyMainColumns, readonly bigint[]>;
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
    orders: [...draft.changed].map((id) => draft.orders.get(id) as Order),
    legacyUpdates: draft.legacyUpdates,
    history: draft.history,
    events: draft.events,
    answers: draft.answers,
    settleCallbacks,
  };
}

function planOne(draft: Draft, pending: PendingRequest): () => void {
  const visible = isVisible(draft, pending);
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

/** Whether the call may see its order; decided on the row that is locked for the change. */
function isVisible({ orders }: Draft, { call: { orderScope }, request }: PendingRequest): boolean {
  return orderScope === undefined || isInScope(orderScope, orders.get(request.orderId)?.orderSource ?? 0);
}

/** A batch that is being decided. */
class Draft {
  readonly orders: Map<bigint, Order>;
  readonly knownRequests: Map<string, KnownRequest>;
  readonly changed = new Set<bigint>();
  readonly legacyUpdates = new Map<LegacyMainColumns, bigint[]>();
  readonly history: HistoryRow[] = [];
  readonly events: PreparedEvent[] = [];
  readonly answers: NewAnswer[] = [];
  readonly deps: EventDeps;
  readonly now: Date;

  constructor(facts: BatchFacts, deps: EventDeps, now: Date) {
    this.orders = new Map(facts.orders);
    this.knownRequests = new Map(facts.knownRequests);
    this.deps = deps;
    this.now = now;
  }

  /** Encodes first: if that fails, nothing has changed yet. */
  change(order: Order, event: OrderEvent): void {
    this.events.push(prepareEvent(event, this.deps));
    this.orders.set(order.orderId, order);
    this.changed.add(order.orderId);
  }
}

/** A known request id gets its first answer; any other report is evaluated by the domain. */
function planReport(draft: Draft, report: StatusReport): ReportResult {
  const { orderId, requestId } = report;
  const digest = requestId === "" ? undefined : digestOfReport(report);
  const known = digest && findKnownRequest(report, digest, (key) => draft.knownRequests.get(key));
  if (known !== undefined) {
    return digest?.equals(known.digest) ? decodeReport(known.answer) : { kind: "request-id-reused" };
  }
  const order = draft.orders.get(orderId);
  const result = evaluateReport(order, report);
  if (order === undefined || result.kind !== "accepted" || report.validateOnly) {
    return result;
  }
  if (result.outcome === "applied") {
    writeTransition(draft, order, report);
  } else if (result.outcome === "stale") {
    draft.history.push(historyRow(draft, order, report, "STALE", order.version));
  }
  if (digest !== undefined) {
    const answer = encodeReport(result);
    const key = requestKey(report);
    draft.knownRequests.set(key, { digest, answer });
    draft.answers.push({ key, digest, answer, orderId });
  }
  return result;
}

function writeTransition(draft: Draft, order: Order, report: StatusReport): void {
  const { after, event } = applyTransition(order, report, draft.now);
  draft.change(after, event);
  draft.history.push(historyRow(draft, order, report, "APPLIED", after.version));
  const { main } = legacyColumns(report.status);
  if (main !== undefined) {
    const orderIds = draft.legacyUpdates.get(main);
    if (orderIds === undefined) {
      draft.legacyUpdates.set(main, [order.orderId]);
    } else {
      orderIds.push(order.orderId);
    }
  }
}

function historyRow(
  { now }: Draft,
  order: Order,
  report: StatusReport,
  outcome: HistoryRow["outcome"],
  version: number,
): HistoryRow {
  return { report, version, fromStatus: order.status, outcome, occurTime: report.occurTime ?? now };
}

function planPause(draft: Draft, request: PauseRequest): PauseResult {
  const order = draft.orders.get(request.orderId);
  if (order === undefined) {
    return NOT_FOUND;
  }
  const applied = applyPause(order, request, randomUUID(), draft.now);
  if (applied !== undefined) {
    draft.change(applied.after, applied.event);
  }
  const { status, isParent, isFinish } = order;
  return { kind: "paused", changed: applied !== undefined, order: { status, isParent, isFinish } };
}
