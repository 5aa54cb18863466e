import { createConnection } from "mysql2/promise";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { watchMemory } from "./support/memory-watch.ts";
import { medianOf } from "./support/results.ts";
import { withService } from "./support/subject.ts";

const SECONDS = 600;
const QUICK_SECONDS = 60;

const FIRST_ID = 20_000_000_000n;

const MEGABYTE = 1024 * 1024;

const HIGHEST = "highest MB";
const SLOPE = "MB/min";

/** Full load for long. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory at full load, 10 minutes",
  description:
    "Resident memory of the service's process, each 5 s, while 256 callers change orders over gRPC and all Actions run; the slope is of the last four fifths.",
  subjects: ["service"],
  long: true,
  rounds: "once",
  async measure(_side, environment) {
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
        "beside the heap, MB": metrics.sum("oms_nodejs_external_memory_bytes") / MEGABYTE,
        "drained s": await secondsUntilDrained(service),
        "MB a while later": service.memory(),
      };
    });
  },
  goals: [
    {
      text: "highest resident memory",
      bound: "at most",
      figure: 300,
      unit: "MB",
      actual: (results) => medianOf(results, "service", HIGHEST),
    },
    {
      text: "growth at full load",
      bound: "at most",
      figure: 1,
      unit: "MB/min",
      actual: (results) => medianOf(results, "service", SLOPE),
    },
  ],
};
