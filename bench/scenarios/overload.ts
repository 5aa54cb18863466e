import { createConnection } from "mysql2/promise";
import type { Environment, Service } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import { ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { medianOf } from "./support/results.ts";
import { withService } from "./support/subject.ts";

/** Calls under way at the peak. */
const CALLERS = 1_024;

/** How many times the peak is asked for. */
const TIMES = 3;

const FIRST_ID = 20_000_000_000n;

const GOODPUT = "goodput of the peak";
const FAILED = "failed";

/** More than the service can carry. */
export const overload: Scenario = {
  name: "overload",
  title: "Three times more than the service carries",
  description:
    `UpdateOrderStatus over gRPC: first the peak, with ${CALLERS.toLocaleString("en")} callers that wait for their answers; then ${TIMES} times as many calls a second begin,` +
    " whatever is under way. The generator, which makes as many calls, takes its part of the machine from the service.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_side, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup } = environment;
      const job = { protocol: "grpc", ports: [service.port], call: "update-status", callers: CALLERS } as const;
      const few = await environment.seedOrders(service, ordersFor(seconds + warmup, undefined, CALLERS));
      const peak = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders: few }));
      await secondsUntilDrained(service);
      const perSecond = Math.round(TIMES * peak.perSecond);
      // A call that hangs holds its order up: in the end each call may need one of its own.
      const count = perSecond * (seconds + warmup);
      await fillFresh(environment, service, count);
      const orders = { first: String(FIRST_ID), count };
      const over = await runLoad({ ...job, seconds, warmup, orders, perSecond });
      return {
        "peak changes/s": peak.perSecond,
        "asked for, changes/s": perSecond,
        "peak p99 ms": peak.p99,
        "goodput changes/s": over.perSecond,
        [GOODPUT]: over.perSecond / peak.perSecond,
        "refused/s": over.rejected / seconds,
        "refused p50 ms": over.rejectedP50,
        "refused p99 ms": over.rejectedP99,
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
      figure: 0.9,
      unit: "×",
      actual: (results) => medianOf(results, "service", GOODPUT),
    },
    {
      text: "calls that were neither served nor refused with RetryInfo",
      bound: "at most",
      figure: 0,
      unit: "calls",
      actual: (results) => medianOf(results, "service", FAILED),
    },
  ],
  chart: {
    title: "Three times overload",
    unit: "calls/s",
    figures: ["peak changes/s", "goodput changes/s", "refused/s"],
  },
};

async function fillFresh({ endpoints }: Environment, { prefix }: Service, count: number): Promise<void> {
  const database = await createConnection(endpoints.mysqlUrl);
  await bulkInsertOrders(database, prefix, { first: FIRST_ID, count, openEvery: 1 });
  await database.end();
}
