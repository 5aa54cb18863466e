import { type PassedStates, statesIn, withState } from "./passed-states.ts";
import { describeStatus, leadsTo, Status, stateOf, transition } from "./state-machine.ts";

/** What a decision needs to know of an order. */
export interface OrderFacts {
  /** The status code; one that the table does not know leads nowhere. */
  readonly status: number;
  /** How many changes the order has had. */
  readonly version: number;
  readonly paused: boolean;
  readonly passed: PassedStates;
  /** The latest time that a report of this order has named (see `advance`); null where none was kept. */
  readonly statusTime: Date | null;
  /** Recharge cards and the like. */
  readonly virtual: boolean;
}

/** Something is said to have happened. */
export interface Report {
  readonly status: Status;
  /** When it happened; undefined where the reporter did not say, which means now. */
  readonly occurTime?: Date | undefined;
  /**
   * "operation" for CancelOrder, which may do what a report may not; "step" for a step of the forward flow whose work at a neighbour is
   * done: a pause that came meanwhile does not undo it.
   */
  readonly by: "report" | "operation" | "step";
}

/** Why a report is refused; the rim turns it into FAILED_PRECONDITION. */
export type RefusalReason = "ILLEGAL_TRANSITION" | "ORDER_PAUSED";

/** What comes of a report. */
export type Decision =
  | { readonly outcome: "applied"; readonly version: number }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "stale" }
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly why: string };

/** The forward flow's own steps: what a pause holds back. Below 3010, and not Pay's. */
const HELD_BACK_BY_PAUSE: readonly number[] = [
  Status.APPROVED,
  Status.SPLIT,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
];

/**
 * Decides what a report does to an order: pure, total, and the only place that does. Strict to the impossible, lenient to the
 * late and the doubled, so that a sender stops retrying (old operation 8).
 */
export function decide(order: OrderFacts, report: Report): Decision {
  if (report.status === order.status) {
    return { outcome: "duplicate" };
  }
  const obstacle = obstacleTo(order, report);
  if (obstacle === undefined) {
    return isOldNews(order, report) ? { outcome: "stale" } : { outcome: "applied", version: order.version + 1 };
  }
  return obstacle.reason === "ILLEGAL_TRANSITION" && hasPassed(order, report.status)
    ? { outcome: "stale" }
    : { outcome: "refused", ...obstacle };
}

interface Obstacle {
  readonly reason: RefusalReason;
  readonly why: string;
}

function obstacleTo(order: OrderFacts, report: Report): Obstacle | undefined {
  const arrow = transition(order.status, report.status);
  const illegal = (why: string): Obstacle => ({ reason: "ILLEGAL_TRANSITION", why });
  const target = describeStatus(report.status);
  if (arrow === undefined) {
    const from = stateOf(order.status);
    if (from === undefined) {
      return illegal(`the order is in status ${order.status}, which the state machine does not know`);
    }
    return from.final
      ? illegal(`${describeStatus(order.status)} is final`)
      : illegal(`no way leads from ${describeStatus(order.status)} to ${target}`);
  }
  if (arrow.condition === "virtual goods only" && !order.virtual) {
    return illegal(`only virtual goods go from ${describeStatus(order.status)} to ${target}`);
  }
  if (arrow.condition === "CancelOrder only" && report.by !== "operation") {
    return illegal(
      `stock is allocated: from ${describeStatus(order.status)} on only CancelOrder cancels, after the warehouse agreed`,
    );
  }
  if (order.paused && report.by !== "step" && HELD_BACK_BY_PAUSE.includes(report.status)) {
    return { reason: "ORDER_PAUSED", why: `the order is paused: resume it before ${target}` };
  }
  return undefined;
}

/** Late: the order has been in that state, or has skipped it on its way to one that it has been in. */
function hasPassed(order: OrderFacts, status: Status): boolean {
  const been = [order.status, ...statesIn(order.passed)].filter((code) => code !== Status.CANCELLED);
  return been.some((code) => code === status || leadsTo(status, code));
}

/**
 * The one way back (DELIVERY_FAILED to OUT_FOR_DELIVERY, and on to the next failure) is open only to what happened after the last
 * thing we know of: the first attempt's report, come late or doubled, is no second attempt.
 */
function isOldNews(order: OrderFacts, { status, occurTime }: Report): boolean {
  const isWayBack = statesIn(order.passed).includes(status) || (status < order.status && leadsTo(status, order.status));
  return isWayBack && occurTime !== undefined && order.statusTime !== null && occurTime <= order.statusTime;
}

/**
 * The order after an applied report. Its time never runs back, whatever clocks its reporters have: so a repeat is old news
 * for ever. `now` stands for the time that the reporter did not say.
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
