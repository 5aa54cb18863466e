import { createConnection } from "mysql2/promise";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import {
  FULL_LOAD_CALLERS,
  medianOf,
  ordersFor,
  percentile,
  requireAllSucceeded,
  secondsUntilDrained,
  withService,
} from "./support/measure.ts";

const SECONDS = 600;
const QUICK_SECONDS = 60;

const FIRST_ID = 20_000_000_000n;

const MEGABYTE = 1024 * 1024;

const HIGHEST = "highest MB";
const SLOPE = "MB/min";

/** Memory during a long full load. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory at full load, 10 minutes",
  description:
    "Resident memory of the service's process every 5 s, while 256 callers change orders over gRPC and all Actions run. The slope excludes the first fifth.",
  subjects: ["service"],
  long: true,
  rounds: "once",
  async measure(_subject, environment) {
    return withService(environment, async (service) => {
      const seconds = environment.quick ? QUICK_SECONDS : SECONDS;
      const { warmup, endpoints } = environment;
      const count = ordersFor(seconds + warmup);
      const database = await createConnection(endpoints.mysqlUrl);
      await bulkInsertOrders(database, service.prefix, { first: FIRST_ID, count, openEvery: 1 });
      await database.end();
      const watch = watchMemory(() => service.memory());
      const orders = { first: String(FIRST_ID), count };
      const job = {
        protocol: "grpc",
        ports: [service.port],
        call: "update-status",
        callers: FULL_LOAD_CALLERS,
      } as const;
      const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      const { median, highest, slope } = watch.end();
      const metrics = await service.metrics();
      return {
        "changes/s": result.perSecond,
        "p99 ms": result.p99,
        "median MB": median,
        [HIGHEST]: highest,
        [SLOPE]: slope,
        "heap in use, MB": metrics.sum("oms_nodejs_heap_size_used_bytes") / MEGABYTE,
        "external memory, MB": metrics.sum("oms_nodejs_external_memory_bytes") / MEGABYTE,
        "drained s": await secondsUntilDrained(service),
        "MB after drain": service.memory(),
      };
    });
  },
  goals: [
    {
      text: "highest resident memory",
      bound: "at most",
      target: 300,
      unit: "MB",
      actual: (results) => medianOf(results, "service", HIGHEST),
    },
    {
      text: "growth at full load",
      bound: "at most",
      target: 1,
      unit: "MB/min",
      actual: (results) => medianOf(results, "service", SLOPE),
    },
  ],
};

const SAMPLE_MS = 5_000;

/** Share of the time, from the start, that the slope excludes. */
const WARMUP_SHARE = 0.2;

interface MemoryTrend {
  /** In MB. */
  readonly median: number;
  readonly highest: number;
  /** Slope of the regression line, in MB per minute. */
  readonly slope: number;
}

/** Samples memory every 5 s until `end`. */
function watchMemory(readMegabytes: () => number): { end(): MemoryTrend } {
  const begin = performance.now();
  const samples: { readonly minutes: number; readonly megabytes: number }[] = [];
  const sample = () => samples.push({ minutes: (performance.now() - begin) / 60_000, megabytes: readMegabytes() });
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    end() {
      clearInterval(timer);
      sample();
      const megabytes = samples.map((point) => point.megabytes);
      return {
        median: percentile([...megabytes], 0.5),
        highest: Math.max(...megabytes),
        slope: slopeOf(samples.slice(Math.floor(samples.length * WARMUP_SHARE))),
      };
    },
  };
}

/** Slope of the least-squares line. */
function slopeOf(points: readonly { readonly minutes: number; readonly megabytes: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(({ minutes }) => minutes));
  const y = mean(points.map(({ megabytes }) => megabytes));
  const variance = points.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0);
  const covariance = points.reduce((sum, { minutes, megabytes }) => sum + (minutes - x) * (megabytes - y), 0);
  return variance === 0 ? 0 : covariance / variance;
}
