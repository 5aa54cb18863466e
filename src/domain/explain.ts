import { decide, type OrderFacts } from "./decide.ts";
import { describeFlowStatus, type FlowStatus } from "./flow.ts";
import { describeStatus, type Reporter, STATES, Status, stateOf, transitionsFrom } from "./state-machine.ts";

/** A state that the order can take now. */
export interface AllowedState {
  readonly status: Status;
  /** Who tells of it, and how where it takes more than a report. */
  readonly reportedBy: readonly string[];
}

/** A state that the order cannot take now. */
export interface RefusedState {
  readonly status: Status;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** Something that the order has set off and that is not done. */
export interface OpenWork {
  readonly name: string;
  /** PENDING, RETRYING or PARKED. */
  readonly state: string;
  readonly attempts: number;
  /** Empty where none failed. */
  readonly lastError: string;
}

/** Which states the order can take now and which it cannot: what `decide` would say to a report of each at this moment. */
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
      refused.push({ status, reason: decision.why });
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

/** An Action that a person holds. */
export interface PausedWork {
  readonly name: string;
  /** Who holds it. */
  readonly operator: string;
  readonly reason: string;
}

/** What else holds an order, beside its state. */
export interface Blockers {
  /** What of its work a person holds on all orders. */
  readonly pausedWork: readonly PausedWork[];
  /** Until when the WMS may say whether it can be cancelled; undefined where it is not asked. */
  readonly wmsAnswerDeadline: Date | undefined;
  /** Where the flow stands with it; undefined where no flow moves it. */
  readonly flow: FlowStatus | undefined;
}

/** What the order waits for, in one sentence. */
export function describeWait(order: OrderFacts, open: readonly OpenWork[], holds: Blockers): string {
  const work = open.length === 0 ? "" : `; not done yet: ${open.map(describeWork).join(", ")}`;
  const byPeople = holds.pausedWork.map(({ name, operator, reason }) => `; ${name} is held by ${operator}: ${reason}`);
  return `${held(order, holds) ?? standing(order)}${work}${byPeople.join("")}.`;
}

function held(order: OrderFacts, { wmsAnswerDeadline, flow }: Blockers): string | undefined {
  const here = `The order is ${describeStatus(order.status)}`;
  if (wmsAnswerDeadline !== undefined) {
    return `${here} and waits for the WMS to say until ${wmsAnswerDeadline.toISOString()} whether it can be cancelled`;
  }
  return flow === undefined || flow.state === "DONE" ? undefined : `${here} and ${describeFlowStatus(flow)}`;
}

function standing(order: OrderFacts): string {
  const state = stateOf(order.status);
  if (state === undefined) {
    return `The order is in status ${order.status}, which the state machine does not know, and waits for somebody to correct it`;
  }
  const here = describeStatus(order.status);
  if (state.final) {
    return `The order is ${here}, which is final, and waits for nothing`;
  }
  const ahead = transitionsFrom(order.status).filter(
    ({ to, condition }) => to !== Status.CANCELLED && (condition !== "virtual goods only" || order.virtual),
  );
  const reported = ahead.filter(({ to }) => decide(order, { status: to, by: "report" }).outcome === "applied");
  if (reported.length === 0) {
    return `The order is ${here} and paused, and waits for somebody to resume it before ${list(ahead.map(({ to }) => to))}`;
  }
  const pause = order.paused ? " and paused, which holds back no report of what has happened," : "";
  const tellers = [...new Set<Reporter>(reported.flatMap(({ reportedBy }) => reportedBy))];
  return `The order is ${here}${pause} and waits for ${list(tellers)} to report ${list(reported.map(({ to }) => to))}`;
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
      return `${name} (parked after ${tries} until somebody decides${error})`;
    case "RETRYING":
      return `${name} (tried again after ${tries}${error})`;
    default:
      return `${name} (under way)`;
  }
}
