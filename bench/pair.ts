/**
 * Compares the service of this tree with that of an older clone, in interleaved pairs of runs on
 * the same machine. Each run starts the service as a process, with schemas of its own in shared
 * backends; the load comes from this tree's generator. The order within a pair alternates. Prints
 * the median over the pairs of after/before, for throughput and for processor time of the service
 * (its Actions included). Exits with 1 when a throughput falls below the required ratio.
 *
 *     node scripts/run.mjs bench/pair.ts --before ../older-clone
 *     node scripts/run.mjs bench/pair.ts --before ../older-clone --scenarios get-status --pairs 6
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatTable } from "../tools/demo/format.ts";
import type { BackendProcesses } from "../tools/testkit/backends.ts";
import { watchOtherLoad } from "../tools/testkit/machine.ts";
import { optionsOrExit } from "../tools/testkit/program.ts";
import { seedOrders } from "./environment/orders.ts";
import { startService } from "./environment/service.ts";
import type { Service } from "./environment/subject.ts";
import { runLoad } from "./load/index.ts";
import type { Progress } from "./progress.ts";
import { formatNumber } from "./report/tables.ts";
import { withBackends } from "./run.ts";
import { ordersFor, requireAllSucceeded, secondsUntilDrained } from "./scenarios/support/measure.ts";
import type { Sample } from "./statistics.ts";
import { type PairedRatio, pairedRatios } from "./statistics.ts";

const SCENARIOS = ["update-status", "get-status"] as const;
type ScenarioName = (typeof SCENARIOS)[number];

/** Callers of each scenario; every level is measured by itself. */
const LEVELS: Readonly<Record<ScenarioName, readonly number[]>> = {
  "update-status": [1, 16, 64, 256],
  "get-status": [256],
};

/** Orders are seeded for this rate at most, in calls per second. */
const MAX_RATE = 15_000;
const MAX_RATE_OF_ONE = 4_000;
const READ_ORDERS = 20_000;

const ROOT = join(import.meta.dirname, "..");

/** Suffixes of the two measurements of each level. */
const RATE = "calls/s";
const CPU = "service µs/call";

const USAGE = `Usage: node scripts/run.mjs bench/pair.ts --before <folder> [options]

  --before <folder>     another clone with its packages installed
  --scenarios <names>   ${SCENARIOS.join(",")}
  --pairs <n>           pairs of runs (6)
  --seconds <n>         measured time of each level (3)
  --warmup <n>          warm-up of each level, in seconds (1)
  --min-ratio <n>       required median ratio of each throughput (0.97)`;

interface Options {
  /** Folder of the older clone. */
  readonly before: string;
  readonly scenarios: readonly ScenarioName[];
  readonly pairs: number;
  /** Measured time and warm-up of each level. */
  readonly seconds: number;
  readonly warmup: number;
  /** Required median ratio of each throughput. */
  readonly minRatio: number;
}

/** @throws Error naming the option that is wrong and the values it accepts */
function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      before: { type: "string" },
      scenarios: { type: "string", default: SCENARIOS.join(",") },
      pairs: { type: "string", default: "6" },
      seconds: { type: "string", default: "3" },
      warmup: { type: "string", default: "1" },
      "min-ratio": { type: "string", default: "0.97" },
    },
  });
  const before = resolve(values.before ?? "");
  if (values.before === undefined || !existsSync(join(before, "src/main.ts"))) {
    throw new Error("--before must be the folder of another clone with its packages installed");
  }
  const scenarios = values.scenarios.split(",").map((name) => name.trim() as ScenarioName);
  const unknown = scenarios.find((name) => !SCENARIOS.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--scenarios accepts ${SCENARIOS.join(", ")}; got ${JSON.stringify(unknown)}`);
  }
  const positive = (name: "pairs" | "seconds" | "warmup" | "min-ratio") => {
    const value = Number(values[name]);
    if (!(value > 0)) {
      throw new Error(`--${name} must be a positive number, got ${JSON.stringify(values[name])}`);
    }
    return value;
  };
  return {
    before,
    scenarios,
    pairs: Math.ceil(positive("pairs")),
    seconds: positive("seconds"),
    warmup: positive("warmup"),
    minRatio: positive("min-ratio"),
  };
}

async function measureLevel(
  scenario: ScenarioName,
  service: Service,
  backends: BackendProcesses,
  callers: number,
  { seconds, warmup }: Options,
): Promise<Sample> {
  const total = seconds + warmup;
  const isRead = scenario === "get-status";
  const count = isRead ? READ_ORDERS : ordersFor(total, callers === 1 ? MAX_RATE_OF_ONE : MAX_RATE, callers);
  const orders = await seedOrders(backends.endpoints.mysqlUrl, service, count);
  const job = { protocol: "grpc", ports: [service.port], call: scenario, callers } as const;
  const cpuBefore = service.cpu();
  const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
  await secondsUntilDrained(service);
  const cpu = service.cpu() - cpuBefore;
  const calls = isRead ? result.perSecond * total : result.changes;
  const name = `${scenario}, ${callers === 1 ? "1 caller" : `${callers} callers`}`;
  return { [`${name}, ${RATE}`]: result.perSecond, [`${name}, ${CPU}`]: (cpu * 1e6) / Math.max(1, calls) };
}

/** All levels of all scenarios, by one service process. */
async function measureRun(root: string, backends: BackendProcesses, options: Options): Promise<Sample> {
  const service = await startService(backends, { root });
  try {
    const samples: Sample[] = [];
    for (const scenario of options.scenarios) {
      for (const callers of LEVELS[scenario]) {
        samples.push(await measureLevel(scenario, service, backends, callers, options));
      }
    }
    return Object.assign({}, ...samples);
  } finally {
    await service.stop();
  }
}

async function measurePairs(backends: BackendProcesses, options: Options, progress: Progress) {
  const pairs: { before: Sample; after: Sample; otherLoad: number }[] = [];
  for (let index = 1; index <= options.pairs; index += 1) {
    const run = async (revision: "before" | "after") => {
      progress.begin(`pair ${index}: ${revision}`);
      const sample = await measureRun(revision === "before" ? options.before : ROOT, backends, options);
      progress.done();
      return sample;
    };
    const otherLoad = watchOtherLoad();
    if (index % 2 === 1) {
      const before = await run("before");
      pairs.push({ before, after: await run("after"), otherLoad: otherLoad() });
    } else {
      const after = await run("after");
      pairs.push({ before: await run("before"), after, otherLoad: otherLoad() });
    }
    const throughput = pairedRatios(pairs.slice(-1)).filter(({ name }) => name.endsWith(RATE));
    const ratios = throughput.map(({ name, ratio }) => `${name} ${ratio.median.toFixed(3)}`);
    progress.print(
      `pair ${index}, after/before: ${ratios.join("; ")} (other load ${Math.round((pairs.at(-1)?.otherLoad ?? 0) * 100)} %)`,
    );
  }
  return pairs;
}

function formatRatios(ratios: readonly PairedRatio[]): string {
  return formatTable([
    ["measurement", "before", "after", "median ratio", "lowest", "highest"],
    ...ratios.map(({ name, before, after, ratio }) => [
      name,
      formatNumber(before.median),
      formatNumber(after.median),
      ratio.median.toFixed(3),
      ratio.lowest.toFixed(3),
      ratio.highest.toFixed(3),
    ]),
  ]);
}

async function main(options: Options): Promise<void> {
  const pairs = await withBackends(2 * options.pairs, (backends, progress) =>
    measurePairs(backends, options, progress),
  );
  const ratios = pairedRatios(pairs);
  const otherLoad = Math.max(...pairs.map((pair) => pair.otherLoad));
  console.log(`\n${formatRatios(ratios)}\n`);
  console.log(`  ${pairs.length} pairs; other processes used up to ${Math.round(otherLoad * 100)} % of the machine.`);
  const slower = ratios.filter(({ name, ratio }) => name.endsWith(RATE) && ratio.median < options.minRatio);
  for (const { name, ratio } of slower) {
    console.log(`  ${name}: median ratio ${ratio.median.toFixed(3)} is below ${options.minRatio}.`);
  }
  process.exitCode = slower.length > 0 ? 1 : 0;
}

try {
  await main(optionsOrExit(USAGE, readOptions));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
