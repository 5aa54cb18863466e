import { Counter, Gauge, type Registry } from "prom-client";

/** Tells one figure, by its labels. */
export type Observe<Label extends string> = (labels: Readonly<Record<Label, string>>, value: number) => void;

/** Figures that are kept elsewhere, as plain numbers, and looked up when somebody asks for the metrics. */
export interface Observable<Label extends string> {
  /** Whoever knows some of the figures tells all of them at each look; a counter's may only grow. */
  addCallback(source: (tell: Observe<Label>) => void | Promise<void>): void;
}

interface Settings<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registry[];
}

/** A gauge of looked-up figures. */
export function observableGauge<Label extends string>(settings: Settings<Label>): Observable<Label> {
  const sources = createCallbacks<Label>();
  new Gauge<Label>({
    ...settings,
    async collect() {
      const figures = await sources.ask();
      this.reset();
      if (settings.labelNames.length === 0) {
        // It would stand there as 0, which is a figure too.
        this.remove();
      }
      for (const { labels, value } of figures) {
        this.set(labels, value);
      }
    },
  });
  return sources;
}

/** A counter of looked-up figures: counting costs whoever counts one addition, and not a look for the labels at each. */
export function observableCounter<Label extends string>(settings: Settings<Label>): Observable<Label> {
  const sources = createCallbacks<Label>();
  new Counter<Label>({
    ...settings,
    async collect() {
      const figures = await sources.ask();
      this.reset();
      for (const { labels, value } of figures) {
        this.inc(labels, value);
      }
    },
  });
  return sources;
}

function createCallbacks<Label extends string>() {
  const sources: ((tell: Observe<Label>) => void | Promise<void>)[] = [];
  return {
    addCallback(source: (tell: Observe<Label>) => void | Promise<void>) {
      sources.push(source);
    },
    /** All figures, before any is shown: a look that takes its time leaves no gap in one that another reader has begun. */
    async ask() {
      const figures: { readonly labels: Readonly<Record<Label, string>>; readonly value: number }[] = [];
      await Promise.all(sources.map((source) => source((labels, value) => figures.push({ labels, value }))));
      return figures;
    },
  };
}
