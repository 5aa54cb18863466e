import { expect, test } from "vitest";
import { createCallTally } from "../../../src/observability/call-tally.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";

/** The lines of a metric, without its help. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const text = await metrics.registry.getSingleMetricAsString(name);
  return text.split("\n").filter((line) => line.startsWith(name));
}

test("counts calls by RPC, caller and code, with durations and calls in flight", async () => {
  const metrics = createMetrics();
  const tallyOf = createCallTally(metrics);
  const get = tallyOf("GetOrderStatus");
  tallyOf("CancelOrder");
  for (const [caller, code] of [
    ["wms", "OK"],
    ["wms", "OK"],
    ["wms", "NOT_FOUND"],
    ["tms", "OK"],
  ] as const) {
    get.begin();
    get.end(caller, code, 0.25);
  }
  get.begin();
  expect(await linesOf(metrics, "oms_rpc_calls_total")).toEqual([
    'oms_rpc_calls_total{rpc="GetOrderStatus",caller="wms",code="OK"} 2',
    'oms_rpc_calls_total{rpc="GetOrderStatus",caller="wms",code="NOT_FOUND"} 1',
    'oms_rpc_calls_total{rpc="GetOrderStatus",caller="tms",code="OK"} 1',
  ]);
  expect(await linesOf(metrics, "oms_rpc_caller_seconds_total")).toEqual([
    'oms_rpc_caller_seconds_total{rpc="GetOrderStatus",caller="wms"} 0.75',
    'oms_rpc_caller_seconds_total{rpc="GetOrderStatus",caller="tms"} 0.25',
  ]);
  expect(await linesOf(metrics, "oms_rpc_in_flight")).toEqual(['oms_rpc_in_flight{rpc="GetOrderStatus"} 1']);
});

test("counts callers beyond the first fifty as (other)", async () => {
  const metrics = createMetrics();
  const tally = createCallTally(metrics)("GetOrderStatus");
  for (let caller = 0; caller < 60; caller += 1) {
    for (let call = 0; call < 2; call += 1) {
      tally.begin();
      tally.end(`caller-${caller}`, "OK", 1);
    }
  }
  const lines = await linesOf(metrics, "oms_rpc_calls_total");
  expect(lines).toHaveLength(51);
  expect(lines.at(-1)).toBe('oms_rpc_calls_total{rpc="GetOrderStatus",caller="(other)",code="OK"} 20');
});

test("an observable metric has no value without a callback, and is read on each scrape", async () => {
  const metrics = createMetrics();
  expect(await linesOf(metrics, "oms_outbox_oldest_seconds")).toEqual([]);
  let age = 3;
  metrics.outboxAge.addCallback((observe) => observe({}, age));
  expect(await linesOf(metrics, "oms_outbox_oldest_seconds")).toEqual(["oms_outbox_oldest_seconds 3"]);
  age = 0;
  expect(await linesOf(metrics, "oms_outbox_oldest_seconds")).toEqual(["oms_outbox_oldest_seconds 0"]);
});

test("concurrent scrapes have all values, including those of slow callbacks", async () => {
  const metrics = createMetrics();
  metrics.backendUp.addCallback(async (observe) => {
    await new Promise((resolve) => setImmediate(resolve));
    observe({ backend: "database" }, 1);
  });
  const both = await Promise.all([linesOf(metrics, "oms_backend_up"), linesOf(metrics, "oms_backend_up")]);
  expect(both).toEqual([['oms_backend_up{backend="database"} 1'], ['oms_backend_up{backend="database"} 1']]);
});
