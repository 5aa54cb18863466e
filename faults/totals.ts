import { countFindings, totalFindings } from "./findings.ts";
import type { InjectedFault } from "./inject.ts";
import type { Recovery } from "./recovery.ts";
import { mergeChecks, type RunSummary } from "./report.ts";
import type { Round } from "./round.ts";
import type { CheckResult } from "./types.ts";

/** What a run has come to so far. */
export interface RunTotals {
  add(round: Round): void;
  /** A round that came to no end. */
  addFailedRound(seed: number, text: string): void;
  addControl(name: string, lost: number): void;
  addRecovery(measured: readonly Recovery[]): void;
  readonly events: number;
  readonly kills: number;
  /** How many there are. */
  readonly findings: number;
  summary(): Omit<RunSummary, "command" | "tookMs">;
}

/** How many processes were killed, alone or with their data. */
export function countKills(injected: readonly InjectedFault[]): number {
  return injected.filter(({ fault, missed }) => missed === undefined && /\bkill/.test(fault.kind)).length;
}

export function createTotals(): RunTotals {
  const seeds: number[] = [];
  const controls: RunSummary["controls"][number][] = [];
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
        { name: "every round comes to its end", checked: 1, findings: [{ kind: "other", text }] },
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
    summary: () => ({
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
