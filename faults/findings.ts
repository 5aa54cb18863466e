import type { CheckResult, Finding } from "./types.ts";

/** How many there are of each kind. */
export type FindingCounts = Readonly<Record<Finding["kind"], number>>;

export const FINDING_KINDS = [
  "lost",
  "duplicated",
  "ghost",
  "out of order",
  "other",
] as const satisfies readonly Finding["kind"][];

export function countFindings(results: readonly CheckResult[]): FindingCounts {
  const counts = { lost: 0, duplicated: 0, ghost: 0, "out of order": 0, other: 0 };
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
