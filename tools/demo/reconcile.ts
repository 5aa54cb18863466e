/** The result of comparing two lists of names, in which a name may occur more than once. */
export interface Reconciliation {
  readonly expected: number;
  /** Number of distinct names found. */
  readonly found: number;
  readonly lost: readonly string[];
  readonly unexpected: readonly string[];
  /** Names found more than once. */
  readonly duplicated: readonly string[];
}

/**
 * The part of a message id that a caller can predict: `12-3`, or `12-pause-` of `12-pause-<uuid>`.
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

/** The names that `first` has more often than `second`, repeated accordingly. */
function surplus(first: ReadonlyMap<string, number>, second: ReadonlyMap<string, number>): string[] {
  return [...first].flatMap(([name, count]) =>
    Array.from({ length: Math.max(0, count - (second.get(name) ?? 0)) }, () => name),
  );
}

/** Compares expected message ids (or prefixes) with those found. */
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

/** A percentile of sorted values (share 0 to 1); 0 without values. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
