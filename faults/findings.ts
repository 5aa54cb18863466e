/** The report of one check. */
export interface CheckResult {
  readonly name: string;
  /** Number of facts checked. */
  readonly checked: number;
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly kind: FindingKind;
  /** Order, event and Action; expected and actual value. */
  readonly text: string;
}

export const FINDING_KINDS = ["lost", "duplicated", "unexpected", "out of order", "other"] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** Number of findings by kind. */
export type FindingCounts = Readonly<Record<FindingKind, number>>;

export function countFindings(results: readonly CheckResult[]): FindingCounts {
  const counts = { lost: 0, duplicated: 0, unexpected: 0, "out of order": 0, other: 0 };
  for (const { findings } of results) {
    for (const { kind } of findings) {
      counts[kind] += 1;
    }
  }
  return counts;
}

/** "lost 0, duplicated 0, …" */
export function formatCounts(counts: FindingCounts): string {
  return FINDING_KINDS.map((kind) => `${kind} ${counts[kind].toLocaleString("en")}`).join(", ");
}

export function totalFindings(counts: FindingCounts): number {
  return FINDING_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}
