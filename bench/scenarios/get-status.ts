import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, requireAllSucceeded } from "./support/full-load.ts";
import { ratioOf } from "./support/results.ts";
import { withSubject } from "./support/subject.ts";

/** Orders that are asked for, any of them at any time. */
const ORDERS = 20_000;

const CALLS = "calls/s";
const SUBJECTS = { service: "service", "no-op": "no-op.ts" } as const;

/** Reading alone. */
export const getStatus: Scenario = {
  name: "get-status",
  title: "GetOrderStatus over gRPC, 256 callers",
  description: `Any of ${ORDERS} orders; the no-op call answers the same message without looking.`,
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
      figure: 0.6,
      unit: "×",
      actual: (results) => ratioOf(results, CALLS, "service", "no-op"),
    },
  ],
  chart: { title: "GetOrderStatus, 256 callers", unit: "calls/s", figures: [CALLS] },
};
