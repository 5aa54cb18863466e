import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  OrderStatusService,
  UpdateOrderStatusRequestSchema,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../src/domain/state-machine.ts";
import { cpuSecondsOf } from "../../tools/testkit/process-usage.ts";
import type { Environment } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { FULL_LOAD_CALLERS, medianOf, requireAllSucceeded, withSubject } from "./support/measure.ts";

const GENERATOR = "generator";
const H2LOAD = "h2load";
const hasH2load = spawnSync(H2LOAD, ["--version"]).status === 0;

const CONNECTIONS = 8;
const SAMPLE_MS = 20;

/** The request body that h2load repeats: message header and message. */
async function writeBody(dir: string): Promise<string> {
  const fields = { orderId: 8_000_000_000n, operator: "bench", requestId: "bench-8000000000-1010-0" };
  const request = create(UpdateOrderStatusRequestSchema, { ...fields, status: Status.PAID });
  const message = toBinary(UpdateOrderStatusRequestSchema, request);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  const file = join(dir, "body");
  await writeFile(file, Buffer.concat([header, message]));
  return file;
}

/** Runs h2load. Its processor time is sampled, because that of an exited process cannot be read. */
async function runH2load(port: number, { seconds, warmup }: Environment): Promise<Sample> {
  const dir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const { method, typeName } = OrderStatusService;
  const child = spawn(
    H2LOAD,
    [
      ...["--duration", String(seconds), "--warm-up-time", String(warmup)],
      ...["--clients", String(CONNECTIONS), "--max-concurrent-streams", String(FULL_LOAD_CALLERS / CONNECTIONS)],
      ...["--header", "content-type: application/grpc", "--header", "te: trailers"],
      ...["--data", await writeBody(dir), `http://127.0.0.1:${port}/${typeName}/${method.updateOrderStatus.name}`],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let cpu = 0;
  const sampling = setInterval(() => {
    cpu = Math.max(cpu, cpuSecondsOf(child.pid ?? 0));
  }, SAMPLE_MS);
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  await once(child, "close");
  clearInterval(sampling);
  await rm(dir, { recursive: true });
  const perSecond = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(output)?.[1]);
  return { "calls/s": perSecond, "generator µs/call": (cpu * 1e6) / (perSecond * (seconds + warmup)) };
}

async function runGenerator(port: number, { seconds, warmup }: Environment): Promise<Sample> {
  const orders = { first: "8000000000", count: Number.MAX_SAFE_INTEGER };
  const job = { protocol: "grpc", ports: [port], call: "update-status", callers: FULL_LOAD_CALLERS } as const;
  const { perSecond, cpu } = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
  return { "calls/s": perSecond, "generator µs/call": (cpu * 1e6) / perSecond };
}

/** Overhead of the load generator on the machine that it shares with the service. */
export const generator: Scenario = {
  name: "generator",
  title: "The load generator, on the no-op call with 256 callers",
  description:
    "Cost of a call on the caller's side: the generator, where each call differs and each reply is checked, and h2load, if installed, which repeats one call.",
  subjects: hasH2load ? [GENERATOR, H2LOAD] : [GENERATOR],
  long: false,
  rounds: "all",
  measure(subject, environment) {
    const run = subject === GENERATOR ? runGenerator : runH2load;
    return withSubject(environment, "no-op.ts", ({ port }) => run(port, environment));
  },
  goals: [
    {
      text: "processor time of the generator per call",
      bound: "at most",
      target: 20,
      unit: "µs",
      actual: (results) => medianOf(results, GENERATOR, "generator µs/call"),
    },
  ],
};
