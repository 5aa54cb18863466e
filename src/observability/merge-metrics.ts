import { AggregatorRegistry, type Registry } from "prom-client";
import type { Metrics } from "./metrics.ts";

/** The values of all metrics of one process, as plain data. */
export type MetricsSnapshot = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

/** Reads all metrics of this process. */
export function snapshotOf({ registry }: Pick<Metrics, "registry">): Promise<MetricsSnapshot> {
  return registry.getMetricsAsJSON();
}

/**
 * The metrics of several processes in Prometheus's text format. Counters and histograms add up; a
 * gauge is merged by its `aggregator`: the sum by default.
 */
export function renderMerged(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return merge(snapshots).metrics();
}

/**
 * What a process that has ended leaves: its counters and histograms, added up. Without them the
 * totals would decrease at its end, and Prometheus would take what remains for a new increase.
 */
export function mergeEnded(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const totals = snapshots.map((snapshot) => snapshot.filter(({ type }) => String(type) !== "gauge"));
  return merge(totals).getMetricsAsArray() as MetricsSnapshot;
}

/** The part of a snapshot that is added up: a process that serves no calls distorts all else. */
export function sumsOf(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter(({ aggregator }) => aggregator === "sum");
}

function merge(snapshots: readonly MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([...snapshots]);
}
