/** The metrics of one or several processes. */
export interface Metrics {
  /**
   * Sum over all processes and all series of this name that have these labels; 0 when there is
   * none.
   */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Parses metrics in the text format of Prometheus, one text per process. */
export function readMetrics(texts: readonly string[]): Metrics {
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line !== "" && !line.startsWith("#"));
  const series = lines.map((line) => {
    const [, name = "", labels = "", value = "0"] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    return { name, labels, value: Number(value) };
  });
  return {
    sum: (wanted, labels = {}) =>
      series
        .filter(({ name }) => name === wanted)
        .filter((one) => Object.entries(labels).every(([label, value]) => one.labels.includes(`${label}="${value}"`)))
        .reduce((sum, { value }) => sum + value, 0),
  };
}
