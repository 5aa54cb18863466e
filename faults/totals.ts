import { type CheckResult, countFindings, totalFindings } from "./findings.ts";
import type { InjectedFault } from "./inject.ts";
import type { Recovery } from "./recovery.ts";
import type { RunReport } from "./report.ts";
import type { Round } from "./round.ts";

/** Totals over the rounds so far. */
export interface Totals {
  add(round: Round): void;
  /** A round that did not complete. */
  addFailedRound(seed: number, text: string): void;
  addControl(name: string, lost: number): void;
  addRecovery(measured: readonly Recovery[]): void;
  readonly events: number;
  readonly kills: number;
  readonly findings: number;
  report(): Omit<RunReport, "command" | "tookMs">;
}

/** Number of kills, alone or together with a loss of data. */
export function countKills(injected: readonly InjectedFault[]): number {
  return injected.filter(({ fault, missed }) => missed === undefined && /\bkill/.test(fault.kind)).length;
}

/** Adds up results of the same check. */
export function mergeChecks(total: readonly CheckResult[], more: readonly CheckResult[]): CheckResult[] {
  const byName = new Map(total.map((result) => [result.name, result]));
  for (const { name, checked, findings } of more) {
    const before = byName.get(name);
    byName.set(name, {
      name,
      checked: checked + (before?.checked ?? 0),
      findings: [...(before?.findings ?? []), ...findings],
    });
  }
  return [...byName.values()];
}

export function createTotals(): Totals {
  const seeds: number[] = [];
  const controls: RunReport["controls"][number][] = [];
  const faults: Record<string, { hit: number; missed: number }> = {};
  let checks: CheckResult[] = [];
  let recovery: readonly Recovery[] = [];
  let [events, calls, kills, recovered] = [0, 0, 0, 0];
  return {
    add(round) {
      seeds.push(round.seed);
      events += round.events;
      recovered += round.recovered;
      kills += countKills(round.injected);
      calls += round.timeline.seconds().reduce((sum, { ok, failed }) => sum + ok + failed, 0);
      checks = mergeChecks(checks, round.results);
      for (const { fault, missed } of round.injected) {
        const count = faults[fault.kind] ?? { hit: 0, missed: 0 };
        faults[fault.kind] = count;
        count[missed === undefined ? "hit" : "missed"] += 1;
      }
    },
    addFailedRound(seed, text) {
      seeds.push(seed);
      checks = mergeChecks(checks, [
        { name: "every round completes", checked: 1, findings: [{ kind: "other", text }] },
      ]);
    },
    addControl: (name, lost) => controls.push({ name, lost }),
    addRecovery(measured) {
      recovery = measured;
    },
    get events() {
      return events;
    },
    get kills() {
      return kills;
    },
    get findings() {
      return totalFindings(countFindings(checks));
    },
    report: () => ({
      seeds: [...new Set(seeds)],
      events,
      calls,
      kills,
      recovered,
      faults,
      checks,
      recovery,
      controls,
    }),
  };
}
