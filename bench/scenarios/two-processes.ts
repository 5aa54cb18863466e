import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded, withService } from "./support/measure.ts";

const PROCESSES = { "one process": 1, "two processes": 2 } as const;

/** One and two service processes. */
export const twoProcesses: Scenario = {
  name: "two-processes",
  title: "One and two processes of the service, 256 callers",
  description:
    "UpdateOrderStatus over gRPC, callers distributed over the processes, which share database, broker, Redis and the cores.",
  subjects: Object.keys(PROCESSES),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
    const processes = PROCESSES[subject as keyof typeof PROCESSES];
    const work = async (service: Awaited<ReturnType<typeof environment.startService>>) => {
      const orders = await environment.seedOrders(service, ordersFor(seconds + warmup));
      const job = {
        protocol: "grpc",
        call: "update-status",
        callers: FULL_LOAD_CALLERS,
        seconds,
        warmup,
        orders,
      } as const;
      const cpuBefore = service.cpu();
      const result = requireAllSucceeded(await runLoad({ ...job, ports: service.grpcPorts }));
      return {
        "changes/s": result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        "service's cores": (service.cpu() - cpuBefore) / (seconds + warmup),
        "generator's cores": result.cpu,
      };
    };
    return withService(environment, work, { processes });
  },
  goals: [],
  chart: { title: "Processes of the service, 256 callers", unit: "changes/s", measurements: ["changes/s"] },
};
