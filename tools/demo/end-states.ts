import { describeStatus } from "../../src/domain/state-machine.ts";
import type { ExpectedState } from "./expected-state.ts";
import type { Stock } from "./stub-systems.ts";
import { formatTable } from "./table.ts";
import type { Verification } from "./verification.ts";

/** How many orders ended where. */
export function describeEndStates(outlooks: readonly ExpectedState[]): string {
  const ends = Map.groupBy(outlooks, ({ status }) => status);
  const rows = [...ends].toSorted(([a], [b]) => a - b).map(([status, of]) => [describeStatus(status), of.length]);
  return formatTable([["ended at", "orders"], ...rows]);
}

/** Holds the books of the ERP and the WMS against each other, and against what the orders' lives must have put into them. */
export function verifyStock(outlooks: readonly ExpectedState[], before: Stock, after: Stock): Verification {
  const came = (column: keyof Stock) => after[column] - before[column];
  const due = (column: keyof ExpectedState["stock"]) => outlooks.reduce((sum, { stock }) => sum + stock[column], 0);
  const columns = ["allocated", "dispatched", "takenBack", "released"] as const;
  const kept = came("dispatched") - came("takenBack");
  const whole = came("allocated") === kept + came("released") + came("held");
  const text = `  stock, in pieces: ${came("allocated")} allocated = ${kept} dispatched and not taken back + ${came("released")} released + ${came("held")} held`;
  return {
    text,
    differences: [
      ...(whole ? [] : [`the books do not add up:${text.slice(1)}`]),
      ...(came("held") === 0 ? [] : [`${came("held")} pieces are held for nobody`]),
      ...columns
        .filter((column) => came(column) !== due(column))
        .map((column) => `stock ${column}: ${came(column)} pieces, expected ${due(column)}`),
    ],
  };
}
