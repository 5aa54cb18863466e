import type { OrderIds } from "../environment.ts";
import { type Call, runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { medianOf, ordersFor, requireAllSucceeded, withService } from "./support/measure.ts";

const SERVICE = "service";
const CALLERS = 64;
const ORDERS = "orders/s";
const REPORTS = "reports/s";

/** New orders, compared with status reports. */
export const submitOrder: Scenario = {
  name: "submit-order",
  title: `SubmitOrder over gRPC, ${CALLERS} callers`,
  description:
    "New orders of two lines, durable, with their events and request ids, and UpdateOrderStatus on the same server. An order's Actions start with its payment.",
  subjects: [SERVICE],
  long: false,
  rounds: "all",
  async measure(_subject, environment) {
    const { seconds, warmup } = environment;
    return withService(environment, async (service) => {
      const job = { protocol: "grpc", ports: [service.port], callers: CALLERS, seconds, warmup } as const;
      const measureCall = async (call: Call, orders: OrderIds) => {
        const [server, mariadb] = [service.cpu(), environment.backendsCpu().mariadb ?? 0];
        const result = requireAllSucceeded(await runLoad({ ...job, call, orders }));
        const perChange = (cpuSeconds: number) => (cpuSeconds * 1e6) / Math.max(1, result.changes);
        return {
          ...result,
          server: perChange(service.cpu() - server),
          mariadb: perChange((environment.backendsCpu().mariadb ?? 0) - mariadb),
        };
      };
      const seeded = await environment.seedOrders(service, ordersFor(seconds + warmup));
      const reports = await measureCall("update-status", seeded);
      const submitted = await measureCall("submit-order", { first: "0", count: 0 });
      return {
        [ORDERS]: submitted.perSecond,
        "p50 ms": submitted.p50,
        "p99 ms": submitted.p99,
        "server µs/order": submitted.server,
        "mariadb µs/order": submitted.mariadb,
        [REPORTS]: reports.perSecond,
        "server µs/report": reports.server,
        "mariadb µs/report": reports.mariadb,
      };
    });
  },
  goals: [
    {
      text: "SubmitOrder against UpdateOrderStatus",
      bound: "at least",
      target: 0.6,
      unit: "×",
      actual: (results) => {
        const [orders, reports] = [medianOf(results, SERVICE, ORDERS), medianOf(results, SERVICE, REPORTS)];
        return orders === undefined || reports === undefined ? undefined : orders / reports;
      },
    },
  ],
};
