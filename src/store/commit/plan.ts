import { randomUUID } from "node:crypto";
import { decide } from "../../domain/decide.ts";
import { type OrderEvent, statusMessageId } from "../../domain/events.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Order } from "../orders/order-row.ts";
import { applyTransition } from "../orders/transition.ts";
import { type PreparedEvent, prepareEvent } from "../outbox/append-events.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { EventDeps } from "../outbox/outbox.ts";
import type { PendingRequest } from "./pending-request.ts";
import type { BatchFacts } from "./read-orders.ts";
import { decodeAnswer, digestOf, encodeAnswer, type KnownRequest } from "./request-id.ts";
import type { AcceptedReport, PauseRequest, PauseResult, ReportResult, StatusReport } from "./types.ts";

/** A line of the history. */
export interface HistoryLine {
  readonly report: StatusReport;
  readonly version: number;
  readonly fromStatus: number;
  readonly outcome: "APPLIED" | "STALE";
  readonly occurTime: Date;
}

/** The first answer to a request id. */
export interface NewRequestId extends KnownRequest {
  readonly requestId: string;
  readonly orderId: bigint;
}

/** All that a batch writes, and what its callers are told once it is written. */
export interface BatchPlan {
  readonly now: Date;
  /** Orders that changed, as they are at the end. */
  readonly orders: readonly Order[];
  readonly paid: readonly bigint[];
  readonly cancelled: readonly bigint[];
  readonly history: readonly HistoryLine[];
  readonly events: readonly PreparedEvent[];
  readonly answers: readonly NewRequestId[];
  /** One for each work, in turn. */
  readonly settleCallbacks: readonly (() => void)[];
}

/**
 * Decides a batch in memory, in the order of its requests: each sees what those before it did. One that cannot be decided (its
 * event does not encode) fails alone.
 */
export function planBatch(works: readonly PendingRequest[], facts: BatchFacts, deps: EventDeps, now: Date): BatchPlan {
  const draft = new Draft(facts, deps, now);
  const tell = works.map((work) => {
    try {
      return decideOne(draft, work);
    } catch (error) {
      return () => work.settle.reject(error);
    }
  });
  return {
    now,
    orders: [...draft.changed].map((id) => draft.orders.get(id) as Order),
    paid: [...draft.paid],
    cancelled: [...draft.cancelled],
    history: draft.history,
    events: draft.events,
    answers: draft.answers,
    settleCallbacks: tell,
  };
}

function decideOne(draft: Draft, work: PendingRequest): () => void {
  if (work.request.kind === "pause") {
    const { settle } = work as Extract<PendingRequest, { request: PauseRequest }>;
    const result = pause(draft, work.request);
    return () => settle.resolve(result);
  }
  const { settle } = work as Extract<PendingRequest, { request: StatusReport }>;
  const result = report(draft, work.request);
  return () => settle.resolve(result);
}

/** A batch half decided. */
class Draft {
  readonly orders: Map<bigint, Order>;
  readonly known: Map<string, KnownRequest>;
  readonly changed = new Set<bigint>();
  readonly paid = new Set<bigint>();
  readonly cancelled = new Set<bigint>();
  readonly history: HistoryLine[] = [];
  readonly events: PreparedEvent[] = [];
  readonly answers: NewRequestId[] = [];
  readonly deps: EventDeps;
  readonly now: Date;

  constructor(facts: BatchFacts, deps: EventDeps, now: Date) {
    this.orders = new Map(facts.orders);
    this.known = new Map(facts.knownRequests);
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

function report(draft: Draft, request: StatusReport): ReportResult {
  const { orderId, requestId, expectedVersion, validateOnly } = request;
  const known = draft.known.get(requestId);
  const digest = requestId === "" ? undefined : digestOf(request);
  if (known !== undefined && digest !== undefined) {
    return digest.equals(known.digest) ? decodeAnswer(known.answer) : { kind: "request-id-reused" };
  }
  const order = draft.orders.get(orderId);
  if (order === undefined) {
    return { kind: "not-found" };
  }
  if (expectedVersion !== undefined && expectedVersion !== order.version) {
    return { kind: "version-mismatch", expected: expectedVersion, actual: order.version };
  }
  const decision = decide(order, request);
  if (decision.outcome === "refused") {
    return { kind: "refused", reason: decision.reason, why: decision.why, from: order.status, to: request.status };
  }
  const taken = answerTo(order, request, decision.outcome);
  if (!validateOnly) {
    if (decision.outcome === "applied") {
      apply(draft, order, request);
    } else if (decision.outcome === "stale") {
      draft.history.push(lineOf(draft, order, request, "STALE", order.version));
    }
    if (digest !== undefined) {
      const answer = encodeAnswer(taken);
      draft.known.set(requestId, { digest, answer });
      draft.answers.push({ requestId, digest, answer, orderId });
    }
  }
  return taken;
}

function answerTo(order: Order, request: StatusReport, outcome: AcceptedReport["outcome"]): AcceptedReport {
  const { orderId, status, version } = order;
  const base = { kind: "taken", outcome, orderId } as const;
  switch (outcome) {
    case "applied":
      return {
        ...base,
        status: request.status,
        version: version + 1,
        messageId: statusMessageId(orderId, version + 1),
      };
    case "duplicate":
      return { ...base, status, version, messageId: version === 0 ? "" : statusMessageId(orderId, version) };
    case "stale":
      return { ...base, status, version, messageId: "" };
  }
}

function apply(draft: Draft, order: Order, request: StatusReport): void {
  const { after, event } = applyTransition(order, request, draft.now);
  draft.change(after, event);
  draft.history.push(lineOf(draft, order, request, "APPLIED", after.version));
  if (request.status === Status.PAID) {
    draft.paid.add(order.orderId);
  } else if (request.status === Status.CANCELLED) {
    draft.cancelled.add(order.orderId);
  }
}

function lineOf(
  { now }: Draft,
  order: Order,
  request: StatusReport,
  outcome: HistoryLine["outcome"],
  version: number,
): HistoryLine {
  return { report: request, version, fromStatus: order.status, outcome, occurTime: request.occurTime ?? now };
}

function pause(draft: Draft, { orderId, paused, reason, cause }: PauseRequest): PauseResult {
  const order = draft.orders.get(orderId);
  if (order === undefined) {
    return { kind: "not-found" };
  }
  const changed = order.paused !== paused;
  if (changed) {
    const context = eventContext(order, `${orderId}-pause-${randomUUID()}`, cause, draft.now);
    const { status, warehouseCount } = order;
    draft.change({ ...order, paused }, { type: "pause-changed", ...context, paused, reason, status, warehouseCount });
  }
  const { status, isParent, isFinish } = order;
  return { kind: "paused", changed, order: { status, isParent, isFinish } };
}
