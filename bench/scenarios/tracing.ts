import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import {
  FULL_LOAD_CALLERS,
  ordersFor,
  requireAllSucceeded,
  secondsUntilDrained,
  withService,
} from "./support/measure.ts";

const ALL_TRACES = { OTEL_TRACES_SAMPLER: "parentbased_always_on" };
const FEW_TRACES = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };

/** Variables besides the collector's address; undefined: no tracing. */
const SUBJECTS: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  off: undefined,
  "1 trace in 100": FEW_TRACES,
  "every trace": ALL_TRACES,
};

/** Cost of tracing. */
export const tracing: Scenario = {
  name: "tracing",
  title: "Tracing off and on, 256 callers",
  description:
    "UpdateOrderStatus over gRPC by callers without a trace context: the service starts a trace per call. The collector counts spans and shares the machine;" +
    " missing spans were dropped at the service's bounded queue.",
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

/** A trace collector that counts spans. */
interface Collector {
  readonly url: string;
  /** Number of spans so far. */
  spans(): number;
  close(): void;
}

/** Starts a collector in this process, which is idle while a load runs. */
async function startCollector(): Promise<Collector> {
  let spans = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      spans += countSpans(Buffer.concat(parts));
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => spans,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Field numbers from `ExportTraceServiceRequest` down to a span. */
const SPAN_PATH = [1, 2, 2];

function countSpans(bytes: Uint8Array, [wanted, ...deeper]: readonly number[] = SPAN_PATH): number {
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== wanted) {
      reader.skip(type, field);
    } else {
      const part = reader.bytes();
      count += deeper.length === 0 ? 1 : countSpans(part, deeper);
    }
  }
  return count;
}
