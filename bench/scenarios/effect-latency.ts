import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { readEffectDelays } from "./support/effect-delays.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { percentile, ratioOf } from "./support/results.ts";
import { withSubject } from "./support/subject.ts";

const SUBJECTS = { service: "service", textbook: "textbook.ts" } as const;
const P99 = "all, p99 ms";

/** How long it takes until what follows a commit has happened. */
export const effectLatency: Scenario = {
  name: "effect-latency",
  title: "From the commit to the effect, at half load",
  description:
    "Half of the changes a second that the subject carries with 256 callers, what follows them done as well. From the time that is written with" +
    " the change, just before its commit, to the row in the settlement queue and to the customer's message at the gateway.",
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup, endpoints } = environment;
    return withSubject(environment, SUBJECTS[subject as keyof typeof SUBJECTS], async (running) => {
      const run = async (perSecond?: number) => {
        const orders = await environment.seedOrders(
          running,
          ordersFor(seconds + warmup, perSecond, 4 * FULL_LOAD_CALLERS),
        );
        const job = {
          protocol: "grpc",
          ports: [running.port],
          call: "update-status",
          callers: FULL_LOAD_CALLERS,
        } as const;
        return requireAllSucceeded(
          await runLoad({ ...job, seconds, warmup, orders, ...(perSecond !== undefined && { perSecond }) }),
        );
      };
      const begin = performance.now();
      const full = await run();
      await secondsUntilDrained(running);
      const carried = full.changes / ((performance.now() - begin) / 1_000);
      const halfSince = new Date(Date.now() + warmup * 1_000);
      const half = await run(carried / 2);
      const drained = await secondsUntilDrained(running);
      const { settlements, messages } = await readEffectDelays(endpoints, running.prefix, halfSince);
      const all = [...settlements, ...messages];
      return {
        "carried changes/s": carried,
        "half load, changes/s": half.perSecond,
        "all, p50 ms": percentile(all, 0.5),
        [P99]: percentile(all, 0.99),
        "settlement, p50 ms": percentile(settlements, 0.5),
        "settlement, p99 ms": percentile(settlements, 0.99),
        "message, p50 ms": percentile(messages, 0.5),
        "message, p99 ms": percentile(messages, 0.99),
        effects: all.length,
        "drained s": drained,
      };
    });
  },
  goals: [
    {
      text: "99 of 100 effects, against the textbook's",
      bound: "at most",
      figure: 0.1,
      unit: "×",
      actual: (results) => ratioOf(results, P99, "service", "textbook"),
    },
  ],
  chart: { title: "From the commit to the effect", unit: "ms", figures: ["all, p50 ms", P99] },
};
