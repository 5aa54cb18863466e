import { createConnection } from "mysql2/promise";
import type { Environment, Service } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import { medianOf, ordersFor, requireAllSucceeded, secondsUntilDrained, withService } from "./support/measure.ts";

/** Concurrent calls at the peak. */
const CALLERS = 1_024;

/** Offered load as a multiple of the peak. */
const TIMES = 3;

const FIRST_ID = 20_000_000_000n;

const GOODPUT = "goodput / peak";
const FAILED = "failed";

/** An offered load above capacity. */
export const overload: Scenario = {
  name: "overload",
  title: "Overload: three times the peak",
  description:
    `UpdateOrderStatus over gRPC: first the peak, a closed loop of ${CALLERS.toLocaleString("en")} callers; then an open loop with ${TIMES} times that rate.` +
    " The generator shares the machine with the service.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_subject, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup } = environment;
      const job = { protocol: "grpc", ports: [service.port], call: "update-status", callers: CALLERS } as const;
      const few = await environment.seedOrders(service, ordersFor(seconds + warmup, undefined, CALLERS));
      const peak = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders: few }));
      await secondsUntilDrained(service);
      const perSecond = Math.round(TIMES * peak.perSecond);
      // A pending call blocks its order, so each call may need an order of its own.
      const count = perSecond * (seconds + warmup);
      await fillFresh(environment, service, count);
      const orders = { first: String(FIRST_ID), count };
      const over = await runLoad({ ...job, seconds, warmup, orders, perSecond });
      return {
        "peak changes/s": peak.perSecond,
        "offered changes/s": perSecond,
        "peak p99 ms": peak.p99,
        "goodput changes/s": over.perSecond,
        [GOODPUT]: over.perSecond / peak.perSecond,
        "rejected/s": over.rejected / seconds,
        "rejected p50 ms": over.rejectedP50,
        "rejected p99 ms": over.rejectedP99,
        "served p50 ms": over.p50,
        "served p99 ms": over.p99,
        [FAILED]: over.failed,
        "generator's cores at the peak": peak.cpu,
        "generator's cores": over.cpu,
        "service MB": service.memory(),
      };
    });
  },
  goals: [
    {
      text: "goodput at three times the peak, against the peak",
      bound: "at least",
      target: 0.85,
      unit: "×",
      actual: (results) => medianOf(results, "service", GOODPUT),
    },
    {
      text: "calls neither served nor rejected with RetryInfo",
      bound: "at most",
      target: 0,
      unit: "calls",
      actual: (results) => medianOf(results, "service", FAILED),
    },
  ],
  chart: {
    title: "Three times overload",
    unit: "calls/s",
    measurements: ["peak changes/s", "goodput changes/s", "rejected/s"],
  },
};

async function fillFresh({ endpoints }: Environment, { prefix }: Service, count: number): Promise<void> {
  const database = await createConnection(endpoints.mysqlUrl);
  await bulkInsertOrders(database, prefix, { first: FIRST_ID, count, openEvery: 1 });
  await database.end();
}
