import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { type Collector, startCollector } from "./support/collector.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { withService } from "./support/subject.ts";

const EVERY = { OTEL_TRACES_SAMPLER: "parentbased_always_on" };
const FEW = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };

/** What is set besides the collector's address; undefined: that is not set either. */
const SUBJECTS: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  off: undefined,
  "1 trace in 100": FEW,
  "every trace": EVERY,
};

/** The service without traces and with them. */
export const tracing: Scenario = {
  name: "tracing",
  title: "Without traces and with them, 256 callers",
  description:
    "UpdateOrderStatus over gRPC, from callers that send no trace: the service begins one for each call. The collector takes what comes, counts it, and" +
    " shares the machine; spans that it did not get were lost at the service's bounded queue.",
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup } = environment;
    const collector = await startCollector();
    try {
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
        const result = requireAllSucceeded(await runLoad({ ...job, ports: [service.port] }));
        const cpu = service.cpu() - cpuBefore;
        const memory = service.memory();
        await secondsUntilDrained(service);
        return {
          "changes/s": result.perSecond,
          "p50 ms": result.p50,
          "p99 ms": result.p99,
          "service µs/change": (cpu * 1e6) / Math.max(1, result.changes),
          "service MB": memory,
          "spans/change": collector.spans() / Math.max(1, result.changes),
        };
      };
      return await withService(environment, work, { env: envOf(subject, collector) });
    } finally {
      collector.close();
    }
  },
  goals: [],
};

function envOf(subject: string, { url }: Collector): Readonly<Record<string, string>> {
  const set = SUBJECTS[subject];
  return set === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: url, ...set };
}
