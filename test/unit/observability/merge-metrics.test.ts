import { expect, test } from "vitest";
import { mergeEnded, renderMerged, snapshotOf, sumsOf } from "../../../src/observability/merge-metrics.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";

/** The metrics of a process, as another process receives them. */
async function processWith(fill: (metrics: ReturnType<typeof createMetrics>) => void) {
  const metrics = createMetrics();
  fill(metrics);
  return structuredClone(await snapshotOf(metrics));
}

/** The lines of a metric. */
const linesOf = (page: string, name: string) =>
  page.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));

test("counters and histograms add up", async () => {
  const page = await renderMerged([
    await processWith(({ published, commitRetries, commitBatchSize }) => {
      published.inc(3);
      commitRetries.inc({ reason: "deadlock" }, 2);
      commitBatchSize.observe(3);
    }),
    await processWith(({ published, commitRetries, commitBatchSize }) => {
      published.inc(4);
      commitRetries.inc({ reason: "split" });
      commitBatchSize.observe(5);
      commitBatchSize.observe(4);
    }),
  ]);

  expect(linesOf(page, "oms_events_published_total")).toEqual(["oms_events_published_total 7"]);
  expect(linesOf(page, "oms_commit_retries_total")).toEqual([
    'oms_commit_retries_total{reason="deadlock"} 2',
    'oms_commit_retries_total{reason="split"} 1',
  ]);
  expect(linesOf(page, "oms_commit_batch_size_bucket").slice(2, 4)).toEqual([
    'oms_commit_batch_size_bucket{le="4"} 2',
    'oms_commit_batch_size_bucket{le="8"} 3',
  ]);
  expect(linesOf(page, "oms_commit_batch_size_sum")).toEqual(["oms_commit_batch_size_sum 12"]);
  expect(linesOf(page, "oms_commit_batch_size_count")).toEqual(["oms_commit_batch_size_count 3"]);
});

test("gauges of a process add up; of what all processes share, one counts", async () => {
  const page = await renderMerged(
    await Promise.all(
      [1, 2].map((number) =>
        processWith((metrics) => {
          metrics.watchers.set(number);
          metrics.outboxRows.addCallback((observe) => observe({}, 100 * number));
          metrics.actionPaused.addCallback((observe) => observe({ action: "gift-record" }, 1));
          metrics.backendUp.addCallback((observe) => observe({ backend: "broker" }, number - 1));
          metrics.buildInfo.addCallback((observe) => observe({ version: "1", node: "v24", role: "all" }, 1));
          metrics.processes.addCallback((observe) => observe({}, 1));
          metrics.eventLoopActive.addCallback((observe) => observe({ process: String(number) }, number));
          metrics.tlsExpiry.addCallback((observe) => observe({}, 1_000 * number));
        }),
      ),
    ),
  );

  const names = [
    "oms_watchers",
    "oms_outbox_rows",
    "oms_action_paused",
    "oms_backend_up",
    "oms_build_info",
    "oms_processes",
    "oms_event_loop_active_seconds_total",
    "oms_tls_certificate_expiry_timestamp_seconds",
    "oms_tls_client_crl_expiry_timestamp_seconds",
  ];
  expect(names.flatMap((name) => linesOf(page, name))).toEqual([
    "oms_watchers 3",
    "oms_outbox_rows 200",
    'oms_action_paused{action="gift-record"} 1',
    'oms_backend_up{backend="broker"} 0',
    'oms_build_info{version="1",node="v24",role="all"} 1',
    "oms_processes 2",
    'oms_event_loop_active_seconds_total{process="1"} 1',
    'oms_event_loop_active_seconds_total{process="2"} 2',
    "oms_tls_certificate_expiry_timestamp_seconds 1000",
  ]);
  expect(linesOf(page, "oms_process_start_time_seconds")).toHaveLength(1);
});

test("the totals of ended processes remain, their gauges do not", async () => {
  const [first, second, third] = await Promise.all(
    [1, 10, 100].map((count) =>
      processWith(({ published, watchers, commitBatchSize }) => {
        published.inc(count);
        watchers.set(count);
        commitBatchSize.observe(count);
      }),
    ),
  );
  const page = await renderMerged([mergeEnded([mergeEnded([first ?? []]), second ?? []]), third ?? []]);

  expect(linesOf(page, "oms_events_published_total")).toEqual(["oms_events_published_total 111"]);
  expect(linesOf(page, "oms_commit_batch_size_count")).toEqual(["oms_commit_batch_size_count 3"]);
  expect(linesOf(page, "oms_watchers")).toEqual(["oms_watchers 100"]);
});

test("the primary counts in sums only", async () => {
  const primary = sumsOf(await processWith(({ processRestarts }) => processRestarts.inc()));
  expect(primary.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["oms_process_restarts_total", "oms_process_resident_memory_bytes"]),
  );
  expect(primary.map(({ name }) => name)).not.toContain("oms_nodejs_eventloop_lag_mean_seconds");
  const page = await renderMerged([primary, await processWith(() => {})]);
  expect(linesOf(page, "oms_process_restarts_total")).toEqual(["oms_process_restarts_total 1"]);
});
