import { isVirtual } from "../../tools/demo/orders.ts";
import type { Checker } from "./checker.ts";
import { appliedChanges, orderIdOf } from "./facts.ts";

/** Permitted transitions, written independently of the service. */
const TRANSITIONS: Readonly<Record<number, readonly number[]>> = {
  1000: [1010, 9001],
  1010: [1020, 1030, 2010, 9001],
  1020: [1030, 2010, 9001],
  1030: [],
  2010: [2020],
  2020: [3010, 3020, 3030, 4010, 5010, 5020, 6010, 6020, 6030, 6040],
  3010: [3020, 3030, 4010, 5010, 5020, 6010, 6020, 6030, 6040],
  3020: [3030, 4010, 5010, 5020, 6010, 6020, 6030, 6040],
  3030: [4010, 5010, 5020, 6010, 6020, 6030, 6040],
  4010: [5010, 5020, 6010, 6020, 6030, 6040],
  5010: [5020, 6010, 6020, 6030, 6040],
  5020: [6010, 6020, 6030, 6040],
  6010: [],
  6020: [],
  6030: [5020, 6010, 6020, 6040],
  6040: [],
  9001: [],
};

/** States that only a cancel operation, not a report, moves to 9001. */
const CANCELLED_FROM: readonly number[] = [2010, 2020, 3010, 3020, 3030];

/** States from which virtual goods are delivered. */
const RECHARGED_FROM: readonly number[] = [1010, 1020];

/** Status before the first change, and the first status, by origin. */
const INITIAL = { inserted: 1000, submitted: 0, split: 0 } as const;
const FIRST = { inserted: undefined, submitted: 1000, split: 1020 } as const;

/**
 * Versions are 1, 2, 3 … without a gap, committed in order; each change is a permitted transition;
 * the order has the last status.
 */
export const legalHistory: Checker = {
  name: "legal history, versions without a gap",
  check(facts, find) {
    const { journal, row } = facts;
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const changes = appliedChanges(facts);
    const reports = new Set(
      journal.calls.filter(({ rpc }) => rpc === "UpdateOrderStatus").map((call) => call.requestId),
    );
    const isPermitted = (from: number, to: number, requestId: string, version: number) =>
      (version === 1 && FIRST[journal.origin] === to && from === 0) ||
      (TRANSITIONS[from] ?? []).includes(to) ||
      (to === 9001 && CANCELLED_FROM.includes(from) && !reports.has(requestId)) ||
      (to === 6010 && RECHARGED_FROM.includes(from) && isVirtual(journal.order));
    const versions = new Set<number>();
    let last = 0;
    for (const { version } of changes) {
      if (versions.has(version)) {
        find("duplicated", about(`version ${version} occurs twice`));
      } else if (version < last) {
        find("out of order", about(`version ${version} was committed after version ${last}`));
      }
      versions.add(version);
      last = Math.max(last, version);
    }
    for (let version = 1; version <= last; version += 1) {
      if (!versions.has(version)) {
        find("lost", about(`version ${version} of ${last} is missing`));
      }
    }
    let current: number = INITIAL[journal.origin];
    for (const { version, fromStatus, toStatus, requestId } of changes.toSorted((a, b) => a.version - b.version)) {
      if (fromStatus !== current) {
        find("other", about(`version ${version} starts at ${fromStatus}, but the order was at ${current}`));
      } else if (!isPermitted(fromStatus, toStatus, requestId, version)) {
        find("other", about(`version ${version} goes from ${fromStatus} to ${toStatus}, which is not permitted`));
      }
      current = toStatus;
    }
    if (row === undefined) {
      find("lost", about("the order does not exist"));
    } else if (row.status !== (changes.length === 0 ? 1000 : current) || row.version !== last) {
      const where = `${row.status} at version ${row.version}`;
      find("other", about(`the order is at ${where}, but its history ends at ${current} at version ${last}`));
    }
    return changes.length + 1;
  },
};
