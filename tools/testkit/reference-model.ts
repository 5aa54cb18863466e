/**
 * The rules written a second time from the description of the domain, with lists and sets in place
 * of a table, bit sets and a graph search. The real rules are compared with it.
 */

/**
 * The main path of an order, each state after those it may have skipped. SPLIT and CANCELLED branch
 * off.
 */
const OWN_STEPS = [1000, 1010, 1020, 2010, 2020];
const MAIN_PATH = [...OWN_STEPS, 3010, 3020, 3030, 4010, 5010, 5020, 6030];
const DELIVERY_ENDS = [6010, 6020, 6040];

const SPLIT = 1030;
const CANCELLED = 9001;
const FINAL = [SPLIT, ...DELIVERY_ENDS, CANCELLED];

/** Every code that the model knows. */
export const MODEL_CODES: readonly number[] = [...new Set([...MAIN_PATH, ...FINAL])];

const CANCELLED_BY_REPORT = [1000, 1010, 1020];
const CANCELLED_BY_OPERATION = [2010, 2020, 3010, 3020, 3030];

export interface ModelOrder {
  status: number;
  version: number;
  paused: boolean;
  virtual: boolean;
  /** Every state it has been in here, in order. */
  visited: number[];
  /** The latest time of an applied report, in ms. */
  latest: number | null;
}

export interface ModelReport {
  status: number;
  by: "report" | "operation" | "step";
  /** In ms; undefined for none. */
  occurTime: number | undefined;
}

export type ModelAnswer = "applied" | "duplicate" | "stale" | "paused" | "illegal";

/** Whether the transition is legal, without regard to a pause. */
function isLegal({ status: from, virtual }: ModelOrder, { status: to, by }: ModelReport): boolean {
  if (FINAL.includes(from)) {
    return false;
  }
  switch (to) {
    case CANCELLED:
      return CANCELLED_BY_REPORT.includes(from) || (by === "operation" && CANCELLED_BY_OPERATION.includes(from));
    case 1000:
      return false;
    case 1010:
      return from === 1000;
    case 1020:
      return from === 1010;
    case SPLIT:
    case 2010:
      return from === 1010 || from === 1020;
    case 2020:
      return from === 2010;
  }
  // Reports of the warehouse and the carriers: any later state, once the order is dispatched.
  if (from === 6030) {
    return to === 5020 || DELIVERY_ENDS.includes(to);
  }
  if (from >= 2020) {
    return to > from;
  }
  return virtual && to === 6010 && (from === 1010 || from === 1020);
}

/** Whether an order that has been in `later` has passed or skipped `state`. */
function isBefore(state: number, later: number): boolean {
  if (later === CANCELLED || !MAIN_PATH.includes(state)) {
    return false;
  }
  if (later === SPLIT) {
    return state < SPLIT;
  }
  return DELIVERY_ENDS.includes(later) || MAIN_PATH.indexOf(state) < MAIN_PATH.indexOf(later);
}

/** The answer to a report; an applied one changes the order. */
export function answer(order: ModelOrder, report: ModelReport, now: number): ModelAnswer {
  const { status, occurTime } = report;
  if (status === order.status) {
    return "duplicate";
  }
  const visited = order.visited.includes(status);
  const passed =
    (visited && status !== CANCELLED) || [...order.visited, order.status].some((other) => isBefore(status, other));
  if (!isLegal(order, report)) {
    return passed ? "stale" : "illegal";
  }
  if (order.paused && report.by !== "step" && [1020, 1030, 2010, 2020].includes(status)) {
    return "paused";
  }
  const late = occurTime !== undefined && order.latest !== null && occurTime <= order.latest;
  if (passed && late) {
    return "stale";
  }
  order.visited.push(order.status, status);
  order.status = status;
  order.version += 1;
  order.latest = Math.max(order.latest ?? Number.NEGATIVE_INFINITY, occurTime ?? now);
  return "applied";
}
