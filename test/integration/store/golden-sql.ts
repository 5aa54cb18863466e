import { Connection, format } from "mysql2";
import { onTestFinished, vi } from "vitest";

/** Statements of the background: session settings, the clock, and the Actions' totals. */
const BACKGROUND = /^set session|^select now\(3\) as now$|oms_action_total/;

interface SentQuery {
  readonly sql: string;
  readonly values?: Parameters<typeof format>[1];
}

/**
 * Records every statement that this process sends to a database, until the test ends.
 *
 * @returns gives the statements since the last call, as they were sent
 */
export function recordStatements(): () => string[] {
  let statements: string[] = [];
  // All of the driver's connections share this method.
  const base = Object.getPrototypeOf(Connection.prototype) as { query: (...args: unknown[]) => unknown };
  const { query } = base;
  const spy = vi.spyOn(base, "query").mockImplementation(function record(this: unknown, ...args: unknown[]) {
    const { sql, values } = args[0] as SentQuery;
    const text = (values === undefined ? sql : format(sql, values, false, "Z")).replace(/\s+/g, " ").trim();
    if (!BACKGROUND.test(text)) {
      statements.push(text);
    }
    return query.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  return () => {
    const taken = statements;
    statements = [];
    return taken;
  };
}

/**
 * Statements as a golden file has them: one a line, with a placeholder for each value that differs
 * from run to run.
 */
export function normalize(statements: readonly string[], names: ReadonlyMap<string, string>): string {
  return statements
    .map((statement) => {
      const timeless = statement.replace(/'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}'/g, "<time>");
      return [...names].reduce((text, [value, name]) => text.replaceAll(value, name), timeless);
    })
    .map((statement) => `${statement};\n`)
    .join("");
}

/** The committer's round trips for one order, each under its number, as a golden file has them. */
export function goldenCommit(roundTrips: readonly string[], prefix: string, orderId: bigint): string {
  const names = new Map([
    [`${prefix}oms_db`, "oms_db"],
    [Buffer.from(`${orderId}-1`).toString("hex"), "<body>"],
    [String(orderId), "<order>"],
  ]);
  return (
    normalize(roundTrips.flatMap(statementsOf), names)
      .replace(/^(--.*);$/gm, "$1")
      // SHA-1 of the request, which contains the order's id.
      .replace(/(\('[a-z]+-1',x)'[0-9a-f]{40}'/, "$1'<digest>'")
  );
}

/** On MariaDB the statements of a round trip are sent as one block. */
function statementsOf(text: string, index: number): string[] {
  const statements = text.replace(/^begin not atomic /, "").replace(/; end$/, "");
  return [`-- round trip ${index + 1}`, ...statements.split(";")];
}
