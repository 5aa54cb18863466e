/**
 * What becomes of an order, written a second time from the words of the domain (lists and sets, no table, no bit sets, no graph
 * search), so that the real rules can be held against it.
 */

/** The road of an order, each station after those it may have skipped. SPLIT and CANCELLED branch off it. */
const OWN_STEPS = [1000, 1010, 1020, 2010, 2020];
const ROAD = [...OWN_STEPS, 3010, 3020, 3030, 4010, 5010, 5020, 6030];
const LAST_STOPS = [6010, 6020, 6040];

const SPLIT = 1030;
const CANCELLED = 9001;
const FINAL = [SPLIT, ...LAST_STOPS, CANCELLED];

const CANCELLED_BY_ANYBODY = [1000, 1010, 1020];
const CANCELLED_BY_OPERATION = [2010, 2020, 3010, 3020, 3030];

export interface ModelOrder {
  status: number;
  version: number;
  paused: boolean;
  virtual: boolean;
  /** Every state it has been in here, in turn. */
  visited: number[];
  /** The greatest time that an applied report has named, in milliseconds. */
  latest: number | null;
}

export interface ModelReport {
  status: number;
  by: "report" | "operation" | "step";
  /** Milliseconds; undefined where the reporter did not say. */
  occurTime: number | undefined;
}

export type ModelAnswer = "applied" | "duplicate" | "stale" | "paused" | "illegal";

/** Whether the order may go there next, a pause left aside. */
function mayGo({ status: from, virtual }: ModelOrder, { status: to, by }: ModelReport): boolean {
  if (FINAL.includes(from)) {
    return false;
  }
  switch (to) {
    case CANCELLED:
      return CANCELLED_BY_ANYBODY.includes(from) || (by === "operation" && CANCELLED_BY_OPERATION.includes(from));
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
  // What the warehouse and the carriers report: anything further on, once the order was dispatched.
  if (from === 6030) {
    return to === 5020 || LAST_STOPS.includes(to);
  }
  if (from >= 2020) {
    return to > from;
  }
  return virtual && to === 6010 && (from === 1010 || from === 1020);
}

/** Whether `station` lies on the road before `place`: passed or skipped by an order that has been there. */
function liesBefore(station: number, place: number): boolean {
  if (place === CANCELLED || !ROAD.includes(station)) {
    return false;
  }
  if (place === SPLIT) {
    return station < SPLIT;
  }
  return LAST_STOPS.includes(place) || ROAD.indexOf(station) < ROAD.indexOf(place);
}

/** The answer to a report; an applied one moves the order. */
export function answer(order: ModelOrder, report: ModelReport, now: number): ModelAnswer {
  const { status, occurTime } = report;
  if (status === order.status) {
    return "duplicate";
  }
  const beenThere = order.visited.includes(status);
  const knows =
    (beenThere && status !== CANCELLED) || [...order.visited, order.status].some((place) => liesBefore(status, place));
  if (!mayGo(order, report)) {
    return knows ? "stale" : "illegal";
  }
  if (order.paused && report.by !== "step" && [1020, 1030, 2010, 2020].includes(status)) {
    return "paused";
  }
  const late = occurTime !== undefined && order.latest !== null && occurTime <= order.latest;
  if (knows && late) {
    return "stale";
  }
  order.visited.push(order.status, status);
  order.status = status;
  order.version += 1;
  order.latest = Math.max(order.latest ?? Number.NEGATIVE_INFINITY, occurTime ?? now);
  return "applied";
}
