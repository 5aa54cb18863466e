import type { CheckResult, Finding } from "../findings.ts";
import type { OrderFacts } from "./facts.ts";

/** A check of one order at a time. */
export interface Checker {
  readonly name: string;
  /** @returns the number of facts checked */
  check(facts: OrderFacts, find: ReportFinding): number;
}

export type ReportFinding = (kind: Finding["kind"], text: string) => void;

/** Maximum number of findings whose text is kept. */
const MAX_TEXTS = 10_000;

/** Runs checkers over orders and adds up their results. */
export function createCheckRunner(checkers: readonly Checker[]) {
  const totals = checkers.map((checker) => ({ checker, checked: 0, findings: [] as Finding[] }));
  return {
    check(facts: OrderFacts): void {
      for (const total of totals) {
        total.checked += total.checker.check(facts, (kind, text) => {
          total.findings.push({ kind, text: total.findings.length < MAX_TEXTS ? text : "" });
        });
      }
    },
    results: (): CheckResult[] =>
      totals.map(({ checker, checked, findings }) => ({ name: checker.name, checked, findings })),
  };
}
