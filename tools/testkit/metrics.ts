/** What `/metrics` of one or several processes says. */
export interface Metrics {
  /** The sum over all processes and all series of that name that have these labels; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Reads the text format of Prometheus. */
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
