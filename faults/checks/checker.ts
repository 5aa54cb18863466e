import type { CheckResult, Finding } from "../types.ts";
import type { OrderFacts } from "./facts.ts";

/** Looks at one order after the other. */
export interface Checker {
  readonly name: string;
  /** @returns how many facts it checked at */
  check(facts: OrderFacts, find: ReportFinding): number;
}

export type ReportFinding = (kind: Finding["kind"], text: string) => void;

/** Findings that are told in full; of further ones their number is. */
const TOLD = 10_000;

/** Runs checkers over order after order and adds up what they say. */
export function createCheckRunner(checkers: readonly Checker[]) {
  const sums = checkers.map((checker) => ({ checker, checked: 0, findings: [] as Finding[] }));
  return {
    look(facts: OrderFacts): void {
      for (const sum of sums) {
        sum.checked += sum.checker.check(facts, (kind, text) => {
          sum.findings.push({ kind, text: sum.findings.length < TOLD ? text : "" });
        });
      }
    },
    results: (): CheckResult[] =>
      sums.map(({ checker, checked, findings }) => ({ name: checker.name, checked, findings })),
  };
}
