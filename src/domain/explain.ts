import { decide, type OrderFacts } from "./decide.ts";
import { describeFlowStatus, type FlowStatus } from "./flow.ts";
import { describeOperator, type Operator } from "./operator.ts";
import { describeStatus, type Reporter, STATES, Status, stateOf, transitionsFrom } from "./state-machine.ts";

/** A state that the order can take now. */
export interface AllowedState {
  readonly status: Status;
  /** The systems that report it, and how, where it takes more than a report. */
  readonly reportedBy: readonly string[];
}

/** A state that the order cannot take now. */
export interface RefusedState {
  readonly status: Status;
  /** One sentence. */
  readonly reason: string;
}

/** An Action's open work for the order. */
export interface OpenWork {
  readonly name: string;
  /** PENDING, RETRYING or PARKED. */
  readonly state: string;
  readonly attempts: number;
  /** "" where no attempt failed. */
  readonly lastError: string;
}

/**
 * The states that the order can take now and those it cannot: the decision on a report of each at
 * this moment.
 */
export function nextStates(
  order: OrderFacts,
  now: Date,
): { readonly allowed: readonly AllowedState[]; readonly refused: readonly RefusedState[] } {
  const allowed: AllowedState[] = [];
  const refused: RefusedState[] = [];
  for (const { code: status, reportedBy } of STATES) {
    const decision = decide(order, { status, occurTime: now, by: "report" });
    if (decision.outcome === "applied") {
      allowed.push({ status, reportedBy });
    } else if (status === Status.CANCELLED && cancellable(order, now)) {
      allowed.push({ status, reportedBy: ["reversal flow, by CancelOrder"] });
    } else if (decision.outcome === "refused") {
      refused.push({ status, reason: decision.message });
    } else {
      const reason =
        decision.outcome === "duplicate" ? "the order is in that state" : "the order has passed that state";
      refused.push({ status, reason: `${reason}: a report of it changes nothing` });
    }
  }
  return { allowed, refused };
}

function cancellable(order: OrderFacts, now: Date): boolean {
  return decide(order, { status: Status.CANCELLED, occurTime: now, by: "operation" }).outcome === "applied";
}

/** An Action that an operator has paused. */
export interface PausedWork {
  readonly name: string;
  readonly pausedBy: Operator;
  readonly reason: string;
}

/** An answer of the WMS that a cancel request waits for. */
export interface PendingWmsAnswer {
  readonly deadline: Date;
  /** The deadline is over, and the WMS may have carried the cancel out. */
  readonly isOverdue: boolean;
  /** The order is cancelled, and its goods are requested back. */
  readonly isTakeBack: boolean;
}

/** What an order waits for beside its state. */
export interface Blockers {
  /** The paused Actions among its open work. */
  readonly pausedWork: readonly PausedWork[];
  /** The answer that a cancel request waits for; undefined where the WMS is not asked. */
  readonly wmsAnswer: PendingWmsAnswer | undefined;
  /** Undefined for an order that the forward flow does not move. */
  readonly flow: FlowStatus | undefined;
}

/** What the order waits for, in one sentence. */
export function describeWait(order: OrderFacts, open: readonly OpenWork[], blockers: Blockers): string {
  const work = open.length === 0 ? "" : `; not done yet: ${open.map(describeWork).join(", ")}`;
  const paused = blockers.pausedWork.map(
    ({ name, pausedBy, reason }) => `; ${name} is paused by ${describeOperator(pausedBy)}: ${reason}`,
  );
  return `${describeBlocker(order, blockers) ?? describeNextReport(order)}${work}${paused.join("")}.`;
}

function describeBlocker(order: OrderFacts, { wmsAnswer, flow }: Blockers): string | undefined {
  const current = `The order is ${describeStatus(order.status)}`;
  if (wmsAnswer !== undefined) {
    const { deadline, isOverdue, isTakeBack } = wmsAnswer;
    const limit = isOverdue ? "" : ` until ${deadline.toISOString()}`;
    const question = isTakeBack ? "whether it returns the goods" : "whether it can be cancelled";
    const overdue = `; the time limit of ${deadline.toISOString()} is over, and the WMS may have carried the cancel out`;
    return `${current} and waits${limit} for the WMS to answer ${question}${isOverdue ? overdue : ""}`;
  }
  return flow === undefined || flow.state === "DONE" ? undefined : `${current} and ${describeFlowStatus(flow)}`;
}

function describeNextReport(order: OrderFacts): string {
  const state = stateOf(order.status);
  if (state === undefined) {
    return `The order is in status ${order.status}, which the state machine does not know and an operator has to correct`;
  }
  const current = describeStatus(order.status);
  if (state.final) {
    return `The order is ${current}, which is final, and waits for nothing`;
  }
  const next = transitionsFrom(order.status).filter(
    ({ to, condition }) => to !== Status.CANCELLED && (condition !== "virtual goods only" || order.virtual),
  );
  const allowed = next.filter(({ to }) => decide(order, { status: to, by: "report" }).outcome === "applied");
  if (allowed.length === 0) {
    return `The order is ${current} and paused, and must be resumed before ${list(next.map(({ to }) => to))}`;
  }
  const pause = order.paused ? " and paused, which blocks no report," : "";
  const reporters = [...new Set<Reporter>(allowed.flatMap(({ reportedBy }) => reportedBy))];
  return `The order is ${current}${pause} and waits for ${list(reporters)} to report ${list(allowed.map(({ to }) => to))}`;
}

function list(items: readonly (Status | Reporter)[]): string {
  const words = items.map((item) => (typeof item === "number" ? describeStatus(item) : item));
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function describeWork({ name, state, attempts, lastError }: OpenWork): string {
  const error = lastError === "" ? "" : `, last error: ${lastError}`;
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  switch (state) {
    case "PARKED":
      return `${name} (parked after ${tries} until an operator retries or discards it${error})`;
    case "RETRYING":
      return `${name} (retried after ${tries}${error})`;
    default:
      return `${name} (in progress)`;
  }
}
