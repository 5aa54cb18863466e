import { type Call, runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded, withService } from "./support/measure.ts";

/** Share of reads. */
const READS = 0.8;

/** Reads and changes together, and each alone. */
export const mixed: Scenario = {
  name: "mixed",
  title: "Four reads to one change, 256 callers",
  description:
    "GetOrderStatus and UpdateOrderStatus over gRPC by the same callers, and each alone. Predicted is the throughput computed from the two alone.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_subject, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup } = environment;
      const run = async (call: Call) => {
        const orders = await environment.seedOrders(service, ordersFor(seconds + warmup));
        const job = {
          protocol: "grpc",
          ports: [service.port],
          call,
          callers: FULL_LOAD_CALLERS,
          seconds,
          warmup,
          orders,
        } as const;
        return requireAllSucceeded(await runLoad(job));
      };
      const reads = await run("get-status");
      const changes = await run("update-status");
      const both = await run("mixed");
      const predicted = 1 / (READS / reads.perSecond + (1 - READS) / changes.perSecond);
      return {
        "reads/s alone": reads.perSecond,
        "changes/s alone": changes.perSecond,
        "mixed calls/s": both.perSecond,
        "share of predicted": both.perSecond / predicted,
        "mixed p50 ms": both.p50,
        "mixed p99 ms": both.p99,
        "generator's cores": both.cpu,
      };
    });
  },
  goals: [],
  chart: {
    title: "Reads and changes, 256 callers",
    unit: "calls/s",
    measurements: ["reads/s alone", "mixed calls/s", "changes/s alone"],
  },
};
