import type { ServiceOptions } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded, withService } from "./support/measure.ts";

const OPTIONS: Readonly<Record<string, ServiceOptions>> = {
  "one process": {},
  "two processes": { processes: 2 },
  "OMS_PROCESSES=2": { env: { OMS_PROCESSES: "2" } },
};

/** One and two service processes. */
export const twoProcesses: Scenario = {
  name: "two-processes",
  title: "One and two processes of the service, 256 callers",
  description:
    "UpdateOrderStatus over gRPC, callers distributed over the processes, which share database, broker, Redis and the cores. Two processes have ports of their own, or share one pair (OMS_PROCESSES).",
  subjects: Object.keys(OPTIONS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
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
      // By the service's own metrics, which include all processes behind one port.
      const cpu = async () => (await service.metrics()).sum("oms_process_cpu_seconds_total");
      const cpuBefore = await cpu();
      const result = requireAllSucceeded(await runLoad({ ...job, ports: service.grpcPorts }));
      return {
        "changes/s": result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        "service's cores": ((await cpu()) - cpuBefore) / (seconds + warmup),
        "generator's cores": result.cpu,
      };
    };
    return withService(environment, work, OPTIONS[subject]);
  },
  goals: [],
  chart: { title: "Processes of the service, 256 callers", unit: "changes/s", measurements: ["changes/s"] },
};
