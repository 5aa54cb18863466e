import { Status } from "../../src/domain/state-machine.ts";
import { type LoadJob, runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import {
  FULL_LOAD_CALLERS,
  ordersFor,
  ratioOf,
  requireAllSucceeded,
  secondsUntilDrained,
  withService,
} from "./support/measure.ts";

const SUBJECTS = { spread: undefined, "10 orders": 10 } as const;
const CHANGES = "changes/s";

/**
 * Delivery attempts per order: enough for all callers, and not too many for Actions that read the
 * history.
 */
const ATTEMPTS = 50;

const LIFECYCLE: readonly Status[] = [
  Status.PAID,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
  ...Array.from({ length: ATTEMPTS }, () => [Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED]).flat(),
];

/** All callers on few orders. */
export const hotOrders: Scenario = {
  name: "hot-orders",
  title: "256 callers on 10 orders",
  description:
    `Each order goes out for delivery and fails ${ATTEMPTS} times, then the next order is used. Callers of one order do not wait for each other:` +
    " their calls are pipelined over one connection in a legal sequence, and every call must be a change. Spread: the same" +
    " lifecycle with an order per caller.",
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
          ordersFor(seconds + warmup, undefined, FULL_LOAD_CALLERS, LIFECYCLE.length),
        ),
        lifecycle: LIFECYCLE,
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
      target: 0.5,
      unit: "×",
      actual: (results) => ratioOf(results, CHANGES, "10 orders", "spread"),
    },
  ],
  chart: { title: "256 callers, spread and on 10 orders", unit: "changes/s", measurements: [CHANGES] },
};
