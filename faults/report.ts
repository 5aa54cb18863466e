import { formatSeconds, formatTable } from "../tools/demo/format.ts";
import { type CheckResult, countFindings, FINDING_KINDS, formatCounts } from "./findings.ts";
import type { Recovery } from "./recovery.ts";

/** Report of a run, as stored in report.json. */
export interface RunReport {
  readonly command: string;
  readonly seeds: readonly number[];
  readonly tookMs: number;
  readonly events: number;
  readonly calls: number;
  readonly kills: number;
  readonly recovered: number;
  readonly faults: Readonly<Record<string, { readonly hit: number; readonly missed: number }>>;
  /** Summed over the rounds, by name of the check. */
  readonly checks: readonly CheckResult[];
  readonly recovery: readonly Recovery[];
  /** Effects that each control lost; it is detected when there is at least one. */
  readonly controls: readonly { readonly name: string; readonly lost: number }[];
}

/** Maximum number of findings printed. */
const MAX_PRINTED = 20;

export function hasPassed({ checks, controls }: RunReport): boolean {
  return checks.every(({ findings }) => findings.length === 0) && controls.every(({ lost }) => lost > 0);
}

/** Tables for the terminal. */
export function formatReport(report: RunReport): string {
  const { seeds, checks, faults, recovery, controls } = report;
  const counts = countFindings(checks);
  const sections = [
    formatTable([
      ["total", "count"],
      ["events committed", report.events],
      ["calls", report.calls],
      ["processes killed (kill -9)", report.kills],
      ["seeds", seeds.length],
      ["duration", formatSeconds(report.tookMs)],
      ...FINDING_KINDS.map((kind) => [kind === "other" ? "other findings" : kind, counts[kind]] as const),
      ["recovered", report.recovered],
    ]),
    formatTable([
      ["check", "facts", "findings"],
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
          "process killed",
          "calls/s before",
          "while down",
          "90 % back after",
          "committed while down",
          "effects while down",
        ],
        ...recovery.map(({ server, before, during, loadSustained, recoverySeconds, whileDown }) => [
          server,
          loadSustained ? Math.round(before) : `${Math.round(before)} (machine too busy: not evaluated)`,
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
        ["negative control", "lost", "detected"],
        ...controls.map(({ name, lost }) => [name, lost, lost > 0 ? "yes" : "NO"] as const),
      ]),
    );
  }
  const findings = checks.flatMap(({ name, findings }) =>
    findings.map(({ kind, text }) => `  ${kind}: ${text} (${name})`),
  );
  if (findings.length > 0) {
    const more = findings.length - MAX_PRINTED;
    sections.push(
      ["Findings:", ...findings.slice(0, MAX_PRINTED), ...(more > 0 ? [`  … and ${more} more`] : [])].join("\n"),
    );
  }
  return `${sections.join("\n\n")}\n\n${verdictOf(report)}`;
}

function verdictOf(report: RunReport): string {
  const undetected = report.controls.filter(({ lost }) => lost === 0).map(({ name }) => name);
  if (hasPassed(report)) {
    return `Passed: ${formatCounts(countFindings(report.checks))}, recovered ${report.recovered.toLocaleString("en")}.`;
  }
  return undetected.length > 0
    ? `Failed: the checks did not detect the control ${undetected.join(" and ")}, so their results are not reliable.`
    : `Failed: ${formatCounts(countFindings(report.checks))}.`;
}
