import { awaitedAction } from "../../src/domain/waits.ts";
import type { Checker } from "./checker.ts";
import { type LedgerRow, orderIdOf } from "./facts.ts";

const nameOf = ({ action, messageId }: LedgerRow) => `${action} for ${messageId}`;

/**
 * What an open entry waits for, among the open entries of its order: those of the Action that its
 * last error names, and an earlier event of its own Action.
 */
function awaitedBy(row: LedgerRow, open: readonly LedgerRow[]): readonly LedgerRow[] {
  const action = row.state === "RETRYING" ? awaitedAction(row.lastError) : undefined;
  const earlier = open.slice(0, open.indexOf(row)).filter((other) => other.action === row.action);
  return [...open.filter((other) => other.action === action && other !== row), ...earlier];
}

/** A circle that starts and ends at an entry; undefined for none. */
function circleFrom(start: LedgerRow, open: readonly LedgerRow[]): readonly LedgerRow[] | undefined {
  const seen = new Set<LedgerRow>();
  const follow = (path: readonly LedgerRow[]): readonly LedgerRow[] | undefined => {
    for (const next of awaitedBy(path.at(-1) as LedgerRow, open)) {
      if (next === start) {
        return path;
      }
      if (!seen.has(next)) {
        seen.add(next);
        const circle = follow([...path, next]);
        if (circle !== undefined) {
          return circle;
        }
      }
    }
    return undefined;
  };
  return follow([start]);
}

/** No open entries of an order wait for each other. */
export const noCircularWait: Checker = {
  name: "no entries of an order wait for each other",
  check(facts, find) {
    const open = facts.ledger.filter(({ state }) => state === "PENDING" || state === "RETRYING");
    const found = new Set<LedgerRow>();
    for (const row of open) {
      const circle = circleFrom(row, open);
      if (circle === undefined) {
        continue;
      }
      const isNew = circle.every((member) => !found.has(member));
      for (const member of circle) {
        found.add(member);
      }
      if (isNew) {
        find("other", `order ${orderIdOf(facts)}: ${[...circle, row].map(nameOf).join(" waits for ")}`);
      }
    }
    return facts.ledger.length;
  },
};
