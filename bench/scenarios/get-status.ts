import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, ratioOf, requireAllSucceeded, withSubject } from "./support/measure.ts";

/** Number of orders that are read at random. */
const ORDERS = 20_000;

const CALLS = "calls/s";
const SUBJECTS = { service: "service", "no-op": "no-op.ts" } as const;

/** Reads only. */
export const getStatus: Scenario = {
  name: "get-status",
  title: "GetOrderStatus over gRPC, 256 callers",
  description: `Random reads of ${ORDERS.toLocaleString("en")} orders. The no-op call answers with the same message and reads nothing.`,
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
    return withSubject(environment, SUBJECTS[subject as keyof typeof SUBJECTS], async (running) => {
      const orders =
        subject === "service" ? await environment.seedOrders(running, ORDERS) : { first: "8000000000", count: ORDERS };
      const job = { protocol: "grpc", ports: [running.port], call: "get-status", callers: FULL_LOAD_CALLERS } as const;
      const cpuBefore = running.cpu();
      const { perSecond, p50, p99, cpu } = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      return {
        [CALLS]: perSecond,
        "p50 ms": p50,
        "p99 ms": p99,
        "server's cores": (running.cpu() - cpuBefore) / (seconds + warmup),
        "generator's cores": cpu,
      };
    });
  },
  goals: [
    {
      text: "256 callers against the no-op call",
      bound: "at least",
      target: 0.65,
      unit: "×",
      actual: (results) => ratioOf(results, CALLS, "service", "no-op"),
    },
  ],
  chart: { title: "GetOrderStatus, 256 callers", unit: "calls/s", measurements: [CALLS] },
};
