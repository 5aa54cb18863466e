import { type Aggregator, Counter, Gauge, type Registry } from "prom-client";

/** Reports one value, by its labels. */
export type Observe<Label extends string> = (labels: Readonly<Record<Label, string>>, value: number) => void;

/** A metric whose values are kept elsewhere as plain numbers and read on each scrape. */
export interface Observable<Label extends string> {
  /**
   * Adds a source of values. Each scrape calls every source, which reports all its values; those of
   * a counter must not decrease.
   */
  addCallback(callback: Callback<Label>): void;
}

type Callback<Label extends string> = (observe: Observe<Label>) => void | Promise<void>;

interface Settings<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registry[];
  /** How the values of several processes are merged. Default: their sum. */
  readonly aggregator?: Aggregator;
}

/** A gauge read on each scrape. */
export function observableGauge<Label extends string>(settings: Settings<Label>): Observable<Label> {
  const { addCallback, collect } = createCallbacks<Label>();
  new Gauge<Label>({
    ...settings,
    async collect() {
      const values = await collect();
      this.reset();
      if (settings.labelNames.length === 0) {
        // reset() sets a gauge without labels to 0, which would be exposed as a value.
        this.remove();
      }
      for (const { labels, value } of values) {
        this.set(labels, value);
      }
    },
  });
  return { addCallback };
}

/**
 * A counter read on each scrape: counting is an addition to a plain number, without a label lookup.
 */
export function observableCounter<Label extends string>(settings: Settings<Label>): Observable<Label> {
  const { addCallback, collect } = createCallbacks<Label>();
  new Counter<Label>({
    ...settings,
    async collect() {
      const values = await collect();
      this.reset();
      for (const { labels, value } of values) {
        this.inc(labels, value);
      }
    },
  });
  return { addCallback };
}

function createCallbacks<Label extends string>() {
  const callbacks: Callback<Label>[] = [];
  return {
    addCallback(callback: Callback<Label>) {
      callbacks.push(callback);
    },
    /**
     * All values, complete before the metric is reset: a slow callback leaves no gap in a
     * concurrent scrape.
     */
    async collect() {
      const values: { readonly labels: Readonly<Record<Label, string>>; readonly value: number }[] = [];
      await Promise.all(callbacks.map((callback) => callback((labels, value) => values.push({ labels, value }))));
      return values;
    },
  };
}
