/**
 * Sends generated requests to a service with backends of its own: every RPC and legacy method, over
 * every transport, with arbitrary values, bytes, frames and headers. Then checks that every call
 * got a permitted answer, that no change was committed in part, that memory did not grow and that
 * the service is still ready. A request is determined by the seed and its number.
 *
 *     npm run fuzz -- --requests 100000
 *     npm run fuzz -- --seed 7 --only 4711
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { clearServiceVariables, integerOption, optionsOrExit, SEEDS } from "../tools/testkit/program.ts";
import { showProgress } from "../tools/testkit/progress.ts";
import { findInconsistencies } from "./consistency.ts";
import { distributeOrders } from "./distribution.ts";
import { type FuzzEnvironment, startFuzzEnvironment } from "./environment.ts";
import { compareMemory, watchMemory } from "./memory.ts";
import { fuzz } from "./run.ts";
import { formatTally, type Tally } from "./tally.ts";

/** Time for cancelled watches to end on the server, in milliseconds. */
const WATCHES_END_MS = 10_000;

/** Interval of progress lines without a terminal, in milliseconds. */
const LINE_MS = 10_000;

interface Options {
  readonly seed: number;
  readonly requests: number;
  /** Time limit; requests that are left then are not sent. */
  readonly minutes: number;
  /** Number of the only request to send; undefined for all. */
  readonly only: number | undefined;
}

/** @throws Error naming the option that is wrong and the values it accepts */
function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      requests: { type: "string", default: "100000" },
      minutes: { type: "string", default: "60" },
      only: { type: "string" },
    },
  });
  return {
    seed: integerOption("seed", values.seed, 0, SEEDS - 1) ?? randomInt(SEEDS),
    requests: integerOption("requests", values.requests, 1, 1_000_000_000) as number,
    minutes: integerOption("minutes", values.minutes, 1, 10_000) as number,
    only: integerOption("only", values.only, 0, 1_000_000_000),
  };
}

async function run(environment: FuzzEnvironment, options: Options, interrupted: AbortSignal): Promise<boolean> {
  const { seed, only, requests, minutes } = options;
  await distributeOrders(environment);
  const began = performance.now();
  let tally: Tally | undefined;
  const sent = () => tally?.sent ?? 0;
  const total = only === undefined ? requests : 1;
  const progress = showProgress({
    total,
    value: sent,
    text: () =>
      `${sent().toLocaleString("en")} of ${total.toLocaleString("en")}, ${tally?.findings.length ?? 0} findings`,
    lineMs: LINE_MS,
  });
  const memory = watchMemory(environment, () => sent() / total);
  const result = await fuzz({
    grpcPort: environment.grpcPort,
    httpPort: environment.httpPort,
    seed,
    ...(only !== undefined && { from: only }),
    requests: total,
    fixture: { orderIds: environment.orderIds },
    signal: AbortSignal.any([interrupted, AbortSignal.timeout(minutes * 60_000)]),
    onStart: (growing) => {
      tally = growing;
    },
  });
  const seconds = (performance.now() - began) / 1_000;
  progress.stop();
  const comparison = compareMemory(memory.stop());
  const after = await checkService(environment);
  const findings = [
    ...result.findings.map(({ index, text }) => `request ${index}: ${text}`),
    ...after.findings,
    ...(comparison?.isFlat === false ? [`memory grew: ${comparison.text}`] : []),
  ];
  console.log(`\n${formatTally(result)}\n`);
  console.log(
    [
      `${result.sent.toLocaleString("en")} requests in ${Math.round(seconds)} s (${Math.round(result.sent / seconds).toLocaleString("en")} per second)`,
      `${after.changes.toLocaleString("en")} status changes`,
      comparison?.text ?? "run too short to evaluate memory",
    ].join("; "),
  );
  console.log(findings.length === 0 ? "No findings." : `\n${findings.length} findings:\n${findings.join("\n")}`);
  if (interrupted.aborted) {
    console.log("Interrupted: not all requests were sent.");
  }
  return findings.length === 0 && !interrupted.aborted;
}

/** State of the service after the last request. */
async function checkService(
  environment: FuzzEnvironment,
): Promise<{ readonly changes: number; readonly findings: readonly string[] }> {
  const log = await environment.log();
  const findings = log === "" ? [] : [`the service logged errors:\n${log.slice(0, 4_000)}`];
  if (!environment.isRunning()) {
    return { changes: 0, findings: ["the service exited", ...findings] };
  }
  const response = await fetch(`http://127.0.0.1:${environment.httpPort}/readyz`).catch((error: unknown) => error);
  if (!(response instanceof Response && response.ok)) {
    findings.push(`the service is not ready: ${response}`);
  }
  const until = performance.now() + WATCHES_END_MS;
  let watchers = (await environment.metrics()).sum("oms_watchers");
  while (watchers > 0 && performance.now() < until) {
    await sleep(100);
    watchers = (await environment.metrics()).sum("oms_watchers");
  }
  if (watchers > 0) {
    findings.push(`${watchers} watches are still open after their clients cancelled them`);
  }
  const metrics = await environment.metrics();
  for (const code of ["INTERNAL", "UNKNOWN"]) {
    const count = metrics.sum("oms_rpc_duration_seconds_count", { code });
    if (count > 0) {
      findings.push(`${count} calls ended with ${code}`);
    }
  }
  const inconsistencies = await findInconsistencies(environment.mysqlUrl, environment.prefix);
  return { changes: inconsistencies.changes, findings: [...findings, ...inconsistencies.findings] };
}

const USAGE = `Usage: npm run fuzz -- [options]

  --requests <n>   number of requests (100000)
  --seed <n>       seed of the requests (random, printed)
  --minutes <n>    time limit (60)
  --only <n>       send only the request with this number`;

const options = optionsOrExit(USAGE, readOptions);
clearServiceVariables();
const print = (line: string) => void process.stderr.write(`${line}\n`);
print(`Seed ${options.seed}. To repeat: npm run fuzz -- --seed ${options.seed} --requests ${options.requests}`);
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => interrupted.abort());
}
const environment = await startFuzzEnvironment(print);
try {
  process.exitCode = (await run(environment, options, interrupted.signal)) ? 0 : 1;
} finally {
  await environment.stop();
}
