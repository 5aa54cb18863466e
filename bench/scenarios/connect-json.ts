import type { OrderIds, RunningSubject } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { ordersFor, ratioOf, requireAllSucceeded, secondsUntilDrained, withSubject } from "./support/measure.ts";

const CALLERS = 64;
const CHANGES = "calls/s";
const SUBJECTS = { service: "service", "no-op": "no-op-connect.ts" } as const;
const ANY: OrderIds = { first: "8000000000", count: Number.MAX_SAFE_INTEGER };

/** UpdateOrderStatus as Connect JSON. */
export const connectJson: Scenario = {
  name: "connect-json",
  title: "UpdateOrderStatus as Connect JSON over HTTP/1.1, 64 callers",
  description:
    "The same changes, with one connection per caller. The no-op call parses and writes the same JSON and does nothing.",
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
    return withSubject(environment, SUBJECTS[subject as keyof typeof SUBJECTS], async (running: RunningSubject) => {
      const count = ordersFor(seconds + warmup, undefined, CALLERS);
      const orders = subject === "service" ? await environment.seedOrders(running, count) : ANY;
      const ports = [running.httpPort ?? running.port];
      const job = { protocol: "connect-json", ports, call: "update-status", callers: CALLERS } as const;
      const cpuBefore = running.cpu();
      const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      const cpu = running.cpu() - cpuBefore;
      return {
        [CHANGES]: result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        "drained s": await secondsUntilDrained(running),
        "server µs/call": (cpu * 1e6) / result.changes,
        "generator µs/call": (result.cpu * 1e6) / result.perSecond,
      };
    });
  },
  goals: [
    {
      text: "64 callers against the no-op call",
      bound: "at least",
      target: 0.6,
      unit: "×",
      actual: (results) => ratioOf(results, CHANGES, "service", "no-op"),
    },
  ],
  chart: { title: "UpdateOrderStatus as Connect JSON, 64 callers", unit: "calls/s", measurements: [CHANGES] },
};
