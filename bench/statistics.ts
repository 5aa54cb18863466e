/** Measurements of one subject in one round, by name, for example "256 callers" or "p99 ms". */
export type Sample = Readonly<Record<string, number>>;

/**
 * Processor time per change of each process and of all, in µs.
 *
 * @param before processor time of each process so far, in seconds
 */
export function cpuPerChange(before: Sample, after: Sample, changes: number): Sample {
  const used = Object.entries(after).map(
    ([name, seconds]) => [name, ((seconds - (before[name] ?? 0)) * 1e6) / Math.max(1, changes)] as const,
  );
  const all = used.reduce((sum, [, micros]) => sum + micros, 0);
  return Object.fromEntries([...used, ["all", all] as const].map(([name, micros]) => [`${name} µs/change`, micros]));
}

/** Samples of all rounds, by subject. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

/** Summaries by subject and measurement. */
export type Results = Readonly<Record<string, Readonly<Record<string, Summary>>>>;

export interface Summary {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Median and range of each measurement of each subject. */
export function summarize(samples: Samples): Results {
  return Object.fromEntries(Object.entries(samples).map(([subject, rounds]) => [subject, summarizeRounds(rounds)]));
}

function summarizeRounds(rounds: readonly Sample[]): Readonly<Record<string, Summary>> {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names].map((name) => [name, summaryOf(rounds.flatMap((round) => (name in round ? [round[name] ?? 0] : [])))]),
  );
}

/** Median and range of these values; zeros when there are none. */
export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return { median: (below + above) / 2, lowest: sorted[0] ?? 0, highest: sorted.at(-1) ?? 0 };
}

/** A measurement of two revisions in interleaved pairs of runs. */
export interface PairedRatio {
  readonly name: string;
  readonly before: Summary;
  readonly after: Summary;
  /**
   * After divided by before, pair by pair: what both runs of a pair share, such as other load on
   * the machine, cancels out.
   */
  readonly ratio: Summary;
  readonly pairs: number;
}

/** The ratios of every measurement that both runs of at least one pair have. */
export function pairedRatios(pairs: readonly { readonly before: Sample; readonly after: Sample }[]): PairedRatio[] {
  const names = new Set(pairs.flatMap(({ before }) => Object.keys(before)));
  return [...names].flatMap((name) => {
    const values = pairs.flatMap(({ before, after }) => {
      const [old, now] = [before[name] ?? 0, after[name]];
      return old > 0 && now !== undefined ? [{ before: old, after: now, ratio: now / old }] : [];
    });
    const summary = (key: "before" | "after" | "ratio") => summaryOf(values.map((value) => value[key]));
    return values.length === 0
      ? []
      : [{ name, before: summary("before"), after: summary("after"), ratio: summary("ratio"), pairs: values.length }];
  });
}
