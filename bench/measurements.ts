/** Figures of one subject in one round, by name, for example "256 callers" or "p99 ms". */
export type Sample = Readonly<Record<string, number>>;

/** What came of the rounds: of each subject and figure the median and the spread. */
export type Results = Readonly<Record<string, Readonly<Record<string, Summary>>>>;

export interface Summary {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}
