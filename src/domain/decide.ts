import { type PassedStates, statesIn, withState } from "./passed-states.ts";
import { describeStatus, leadsTo, Status, stateOf, transition } from "./state-machine.ts";

/** What a decision depends on. */
export interface OrderFacts {
  /** The status code; no transition leads out of an unknown one. */
  readonly status: number;
  /** The number of changes the order has had. */
  readonly version: number;
  readonly paused: boolean;
  readonly passed: PassedStates;
  /** The latest time reported for this order, see `advance`; null where none is stored. */
  readonly statusTime: Date | null;
  /** Recharge cards and the like. */
  readonly virtual: boolean;
}

/** A state that is reported for an order. */
export interface Report {
  readonly status: Status;
  /** When it was reached; undefined means now. */
  readonly occurTime?: Date | undefined;
  /**
   * "operation" for CancelOrder, which may cancel where a report may not; "step" for a step of the
   * forward flow whose external work is done, which a later pause does not block.
   */
  readonly by: "report" | "operation" | "step";
}

/** Why a report is refused; returned to the caller as FAILED_PRECONDITION. */
export type RefusalReason = "ILLEGAL_TRANSITION" | "ORDER_PAUSED";

/** What a report does to an order. */
export type Decision =
  | { readonly outcome: "applied"; readonly version: number }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "stale" }
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly message: string };

/** The forward flow's own steps, which a pause blocks: all below 3010 but PAID. */
const BLOCKED_BY_PAUSE: readonly number[] = [
  Status.APPROVED,
  Status.SPLIT,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
];

/**
 * Decides what a report does to an order: pure, total, and the only place that does. Late and
 * repeated reports are accepted without effect, so that the sender stops retrying; only illegal
 * transitions are refused (legacy operation 8).
 */
export function decide(order: OrderFacts, report: Report): Decision {
  if (report.status === order.status) {
    return { outcome: "duplicate" };
  }
  const refusal = refusalOf(order, report);
  if (refusal === undefined) {
    return isStaleRepeat(order, report) ? { outcome: "stale" } : { outcome: "applied", version: order.version + 1 };
  }
  return refusal.reason === "ILLEGAL_TRANSITION" && hasPassed(order, report.status)
    ? { outcome: "stale" }
    : { outcome: "refused", ...refusal };
}

interface Refusal {
  readonly reason: RefusalReason;
  readonly message: string;
}

function refusalOf(order: OrderFacts, report: Report): Refusal | undefined {
  const found = transition(order.status, report.status);
  const illegal = (message: string): Refusal => ({ reason: "ILLEGAL_TRANSITION", message });
  const target = describeStatus(report.status);
  if (found === undefined) {
    const from = stateOf(order.status);
    if (from === undefined) {
      return illegal(`the order is in status ${order.status}, which the state machine does not know`);
    }
    return from.final
      ? illegal(`${describeStatus(order.status)} is final`)
      : illegal(`no way leads from ${describeStatus(order.status)} to ${target}`);
  }
  if (found.condition === "virtual goods only" && !order.virtual) {
    return illegal(`only virtual goods go from ${describeStatus(order.status)} to ${target}`);
  }
  if (found.condition === "CancelOrder only" && report.by !== "operation") {
    return illegal(
      `stock is allocated: from ${describeStatus(order.status)} on only CancelOrder cancels, after the warehouse agreed`,
    );
  }
  if (order.paused && report.by !== "step" && BLOCKED_BY_PAUSE.includes(report.status)) {
    return { reason: "ORDER_PAUSED", message: `the order is paused: resume it before ${target}` };
  }
  return undefined;
}

/** Whether the order has been in that state, or has skipped it on its way to one it has been in. */
function hasPassed(order: OrderFacts, status: Status): boolean {
  const reached = [order.status, ...statesIn(order.passed)].filter((code) => code !== Status.CANCELLED);
  return reached.some((code) => code === status || leadsTo(status, code));
}

/**
 * The one cycle (DELIVERY_FAILED to OUT_FOR_DELIVERY and on to the next failure) is open only to
 * reports later than the latest known one: a late or repeated report of the first attempt is no
 * second attempt.
 */
function isStaleRepeat(order: OrderFacts, { status, occurTime }: Report): boolean {
  const goesBack = statesIn(order.passed).includes(status) || (status < order.status && leadsTo(status, order.status));
  return goesBack && occurTime !== undefined && order.statusTime !== null && occurTime <= order.statusTime;
}

/**
 * The order after an applied report. `statusTime` never decreases, even if the reporters' clocks
 * differ, so that a repeat stays stale. `now` is the default of the report's time.
 */
export function advance(order: OrderFacts, report: Report, now: Date): OrderFacts {
  const time = report.occurTime ?? now;
  return {
    ...order,
    status: report.status,
    version: order.version + 1,
    passed: withState(withState(order.passed, order.status), report.status),
    statusTime: order.statusTime !== null && order.statusTime > time ? order.statusTime : time,
  };
}
