import { Status } from "../../src/domain/state-machine.ts";
import { type LoadJob, runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { ratioOf } from "./support/results.ts";
import { withService } from "./support/subject.ts";

const SUBJECTS = { spread: undefined, "10 orders": 10 } as const;
const CHANGES = "changes/s";

/** So often an order is out for delivery, and fails: enough for all its callers, and no more than an Action can look through. */
const ATTEMPTS = 50;

const LIFE: readonly Status[] = [
  Status.PAID,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
  ...Array.from({ length: ATTEMPTS }, () => [Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED]).flat(),
];

/** Everybody at the same few orders. */
export const hotOrders: Scenario = {
  name: "hot-orders",
  title: "256 callers on 10 orders",
  description:
    `Each order goes out for delivery and fails, ${ATTEMPTS} times, then the next one is taken. A caller does not wait for the others of its order:` +
    " the calls of one order go over one connection, in the order in which they are legal, and every one of them must be a change. Spread: the same" +
    " lives and as many calls under way, each caller with an order of its own.",
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
    const sharedOrders = SUBJECTS[subject as keyof typeof SUBJECTS];
    return withService(environment, async (service) => {
      const job: LoadJob = {
        protocol: "grpc",
        ports: [service.port],
        call: "update-status",
        callers: FULL_LOAD_CALLERS,
        seconds,
        warmup,
        orders: await environment.seedOrders(
          service,
          ordersFor(seconds + warmup, undefined, FULL_LOAD_CALLERS, LIFE.length),
        ),
        lifecycle: LIFE,
        ...(sharedOrders !== undefined && { sharedOrders }),
      };
      const result = requireAllSucceeded(await runLoad(job));
      const drainedAfter = await secondsUntilDrained(service);
      return {
        [CHANGES]: result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        "drained s": drainedAfter,
        "generator's cores": result.cpu,
      };
    });
  },
  goals: [
    {
      text: "256 callers on 10 orders against spread ones",
      bound: "at least",
      figure: 0.5,
      unit: "×",
      actual: (results) => ratioOf(results, CHANGES, "10 orders", "spread"),
    },
  ],
  chart: { title: "256 callers, spread and on 10 orders", unit: "changes/s", figures: [CHANGES] },
};
