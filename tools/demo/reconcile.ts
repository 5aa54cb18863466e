/** What was expected held against what was found: both are lists of names in which the same may stand more than once. */
export interface Reconciliation {
  readonly expected: number;
  /** Different things that were found. */
  readonly found: number;
  readonly lost: readonly string[];
  readonly unexpected: readonly string[];
  /** Found again though it is the same thing. */
  readonly duplicated: readonly string[];
}

/**
 * The part of a message id that a caller can know beforehand: `12-3` as it is, of `12-pause-<uuid>` only `12-pause-`.
 */
export function messageIdPrefix(messageId: string): string {
  return /^\d+-[a-z]+-/.exec(messageId)?.[0] ?? messageId;
}

function counted(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What the first has more of than the second, each as often as it has more. */
function surplus(first: ReadonlyMap<string, number>, second: ReadonlyMap<string, number>): string[] {
  return [...first].flatMap(([name, count]) =>
    Array.from({ length: Math.max(0, count - (second.get(name) ?? 0)) }, () => name),
  );
}

/** Holds the stems that are due against the ids that came. */
export function reconcile(expected: readonly string[], found: readonly string[]): Reconciliation {
  const different = new Set(found);
  const [due, came] = [counted(expected.map(messageIdPrefix)), counted([...different].map(messageIdPrefix))];
  return {
    expected: expected.length,
    found: different.size,
    lost: surplus(due, came),
    unexpected: surplus(came, due),
    duplicated: surplus(counted(found), counted(different)),
  };
}

/** The value that this share of the sorted values does not exceed; 0 where there is none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
