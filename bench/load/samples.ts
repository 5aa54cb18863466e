/** How long calls took, in milliseconds. */
export interface Latencies {
  add(ms: number): void;
  count(): number;
  /** The time within which this share of the calls was done; 0 without calls. */
  at(share: number): number;
}

export function createLatencies(): Latencies {
  const all: number[] = [];
  let sorted: Float64Array | undefined;
  return {
    add(ms) {
      all.push(ms);
    },
    count: () => all.length,
    at(share) {
      sorted ??= Float64Array.from(all).sort();
      return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    },
  };
}
