import { formatSeconds } from "../tools/demo/duration.ts";
import { formatTable } from "../tools/demo/table.ts";
import { countFindings, FINDING_KINDS, formatCounts } from "./findings.ts";
import type { Recovery } from "./recovery.ts";
import type { CheckResult } from "./types.ts";

/** The figures of a run, or of several, as they are kept. */
export interface RunSummary {
  readonly command: string;
  readonly seeds: readonly number[];
  readonly tookMs: number;
  readonly events: number;
  readonly calls: number;
  readonly kills: number;
  readonly recovered: number;
  readonly faults: Readonly<Record<string, { readonly hit: number; readonly missed: number }>>;
  /** Summed over the rounds, by the checker's name; the findings of all. */
  readonly checks: readonly CheckResult[];
  readonly recovery: readonly Recovery[];
  /** How many effects a control lost; it is caught where that is more than none. */
  readonly controls: readonly { readonly name: string; readonly lost: number }[];
}

/** How many findings are told in full. */
const TOLD = 20;

/** Adds what another round's checkers checked at. */
export function mergeChecks(sum: readonly CheckResult[], more: readonly CheckResult[]): CheckResult[] {
  const byName = new Map(sum.map((result) => [result.name, result]));
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

export function hasPassed({ checks, controls }: RunSummary): boolean {
  return checks.every(({ findings }) => findings.length === 0) && controls.every(({ lost }) => lost > 0);
}

/** For people. */
export function formatReport(figures: RunSummary): string {
  const { seeds, checks, faults, recovery, controls } = figures;
  const counts = countFindings(checks);
  const sections = [
    formatTable([
      ["figure", "count"],
      ["events committed", figures.events],
      ["calls", figures.calls],
      ["processes killed (kill -9)", figures.kills],
      ["seeds", seeds.length],
      ["took", formatSeconds(figures.tookMs)],
      ...FINDING_KINDS.map((kind) => [kind === "other" ? "other findings" : kind, counts[kind]] as const),
      ["recovered", figures.recovered],
    ]),
    formatTable([
      ["checker", "checked at", "findings"],
      ...checks.map(({ name, checked, findings }) => [name, checked, findings.length] as const),
    ]),
    formatTable([
      ["fault", "hit", "missed"],
      ...Object.entries(faults).map(([kind, { hit, missed }]) => [kind, hit, missed] as const),
    ]),
  ];
  if (recovery.length > 0) {
    sections.push(
      formatTable([
        [
          "server killed",
          "calls/s before",
          "while down",
          "90 % back after",
          "committed meanwhile",
          "effects meanwhile",
        ],
        ...recovery.map(({ server, before, during, loadSustained, recoverySeconds, whileDown }) => [
          server,
          loadSustained ? Math.round(before) : `${Math.round(before)} (busy machine: not judged)`,
          Math.round(during),
          recoverySeconds === undefined ? "not in time" : `${recoverySeconds.toFixed(1)} s`,
          whileDown?.committed ?? "–",
          whileDown === undefined ? "–" : Object.values(whileDown.actions).reduce((sum, done) => sum + done, 0),
        ]),
      ]),
    );
  }
  if (controls.length > 0) {
    sections.push(
      formatTable([
        ["control, built the wrong way", "lost", "caught"],
        ...controls.map(({ name, lost }) => [name, lost, lost > 0 ? "yes" : "NO"] as const),
      ]),
    );
  }
  const findings = checks.flatMap(({ name, findings }) =>
    findings.map(({ kind, text }) => `  ${kind}: ${text} (${name})`),
  );
  if (findings.length > 0) {
    const more = findings.length - TOLD;
    sections.push(["Findings:", ...findings.slice(0, TOLD), ...(more > 0 ? [`  … and ${more} more`] : [])].join("\n"));
  }
  return `${sections.join("\n\n")}\n\n${verdictOf(figures)}`;
}

function verdictOf(figures: RunSummary): string {
  const uncaught = figures.controls.filter(({ lost }) => lost === 0).map(({ name }) => name);
  if (hasPassed(figures)) {
    return `Nothing found: ${formatCounts(countFindings(figures.checks))}, recovered ${figures.recovered.toLocaleString("en")}.`;
  }
  return uncaught.length > 0
    ? `The checkers did not catch ${uncaught.join(" and ")}: what they say of the service is worth nothing.`
    : `Found: ${formatCounts(countFindings(figures.checks))}.`;
}
