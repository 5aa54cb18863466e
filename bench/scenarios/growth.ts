import { createConnection } from "mysql2/promise";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { waitForPageWrites } from "./support/pages-written.ts";
import { ratioOf } from "./support/results.ts";
import { withService } from "./support/subject.ts";

const FEW = "few orders";
const MANY = "many orders";

const FEWEST = 100_000;

const FIRST_ID = 20_000_000_000n;

const CHANGES = "changes/s";
const MEMORY = "service MB";

/** What becomes of a service that has much behind it. */
export const growth: Scenario = {
  name: "growth",
  title: "Growth, from 100 thousand to 5 million orders",
  description:
    "UpdateOrderStatus over gRPC, 256 callers, in tables that hold so many orders (--orders says how many), most of them delivered, with history, request ids, ledger and" +
    " settlement. The orders that change lie evenly among all the others, so that each is read from a page that nothing else has touched lately:" +
    " harder than in practice, where the young ones change. Needs 5 GB of disk for a while.",
  subjects: [FEW, MANY],
  long: true,
  rounds: "once",
  async measure(subject, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup, endpoints } = environment;
      const size = subject === FEW ? FEWEST : environment.orders;
      const needed = Math.min(ordersFor(seconds + warmup), FEWEST);
      const openEvery = Math.floor(size / needed);
      const database = await createConnection(endpoints.mysqlUrl);
      const begin = performance.now();
      await bulkInsertOrders(database, service.prefix, { first: FIRST_ID, count: size, openEvery });
      const filled = (performance.now() - begin) / 1_000;
      await waitForPageWrites(database);
      await database.end();
      const orders = { first: String(FIRST_ID), count: needed, step: openEvery };
      const job = {
        protocol: "grpc",
        ports: [service.port],
        call: "update-status",
        callers: FULL_LOAD_CALLERS,
      } as const;
      const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      return {
        orders: size,
        [CHANGES]: result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        [MEMORY]: service.memory(),
        "filled in s": filled,
      };
    });
  },
  goals: [
    {
      text: "changes a second with many orders against few",
      bound: "at least",
      figure: 0.9,
      unit: "×",
      actual: (results) => ratioOf(results, CHANGES, MANY, FEW),
    },
    {
      text: "the service's memory with many orders against few",
      bound: "at most",
      figure: 1.1,
      unit: "×",
      actual: (results) => ratioOf(results, MEMORY, MANY, FEW),
    },
  ],
  chart: { title: "Growth", unit: "changes/s", figures: [CHANGES] },
};
