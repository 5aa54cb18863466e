/**
 * Sends requests that nobody expects to a service with servers of its own: every RPC and old address, every way in, values, bytes, frames
 * and headers of all kinds; then looks whether every call was answered as it should be, nothing was done by halves, the memory stayed flat
 * and the service still answers. The seed and a request's number make the request again.
 *
 *     npm run fuzz -- --requests 100000
 *     npm run fuzz -- --seed 7 --only 4711
 */
import { setTimeout as sleep } from "node:timers/promises";
import { findInconsistencies } from "./consistency.ts";
import { distributeOrders } from "./distribution.ts";
import { type FuzzEnvironment, startFuzzEnvironment } from "./environment.ts";
import { compareMemory, watchMemory } from "./memory.ts";
import { type Options, readOptions } from "./options.ts";
import { showProgress } from "./progress.ts";
import { formatTally } from "./report.ts";
import { fuzz } from "./run.ts";
import type { Tally } from "./tally.ts";

/** How long watches that we left have to end, in milliseconds. */
const LEAVE_MS = 10_000;

// The service's settings are the fuzzer's alone.
for (const name of Object.keys(process.env).filter((name) => name.startsWith("OMS_"))) {
  delete process.env[name];
}
const options = optionsOrExit();
const print = (line: string) => void process.stderr.write(`${line}\n`);
print(
  `Fuzzer, seed ${options.seed}; to run it again: npm run fuzz -- --seed ${options.seed} --requests ${options.requests}`,
);
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => interrupted.abort());
}
const environment = await startFuzzEnvironment(print);
try {
  process.exitCode = (await run(environment)) ? 0 : 1;
} finally {
  await environment.stop();
}

async function run(environment: FuzzEnvironment): Promise<boolean> {
  const { seed, only, requests, minutes } = options;
  await distributeOrders(environment);
  const began = performance.now();
  let tally: Tally | undefined;
  const sent = () => tally?.sent ?? 0;
  const total = only === undefined ? requests : 1;
  const progress = showProgress(total, () => ({ sent: sent(), findings: tally?.findings.length ?? 0 }));
  const memory = watchMemory(environment, () => sent() / total);
  const result = await fuzz({
    grpcPort: environment.grpcPort,
    httpPort: environment.httpPort,
    seed,
    ...(only !== undefined && { from: only }),
    requests: total,
    fixture: { orderIds: environment.orderIds },
    signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(minutes * 60_000)]),
    onProgress: (growing) => {
      tally = growing;
    },
  });
  const tookMs = performance.now() - began;
  progress.stop();
  const samples = memory.stop();
  const compared = compareMemory(samples);
  const after = await lookAfter(environment);
  const memoryFindings = compared?.isFlat === false ? [`the memory grew: ${compared.text}`] : [];
  const findings = [
    ...result.findings.map(({ index, text }) => `request ${index}: ${text}`),
    ...after.findings,
    ...memoryFindings,
  ];
  const perSecond = Math.round((result.sent / tookMs) * 1_000);
  console.log(`\n${formatTally(result)}\n`);
  console.log(
    `${result.sent.toLocaleString("en")} requests in ${Math.round(tookMs / 1_000)} s (${perSecond.toLocaleString("en")} a second); ${after.changes.toLocaleString("en")} changes; ${compared?.text ?? "too short a run to judge the memory"}`,
  );
  console.log(findings.length === 0 ? "Nothing was found." : `\n${findings.length} findings:\n${findings.join("\n")}`);
  if (interrupted.signal.aborted) {
    console.log("Cut short.");
  }
  return findings.length === 0 && !interrupted.signal.aborted;
}

/** What is to be said of the service when all is over. */
async function lookAfter(
  environment: FuzzEnvironment,
): Promise<{ readonly changes: number; readonly findings: readonly string[] }> {
  // It begins with what the service says when it is up.
  const log = await environment.log();
  const said = log === "" ? [] : [`the service's log:\n${log.slice(0, 4_000)}`];
  if (!environment.isRunning()) {
    return { changes: 0, findings: ["the service ended", ...said] };
  }
  const findings = [...said];
  const answer = await fetch(`http://127.0.0.1:${environment.httpPort}/readyz`).catch((error: unknown) => error);
  if (!(answer instanceof Response && answer.ok)) {
    findings.push(`the service does not answer: ${answer}`);
  }
  const until = performance.now() + LEAVE_MS;
  let watchers = (await environment.metrics()).sum("oms_watchers");
  while (watchers > 0 && performance.now() < until) {
    await sleep(100);
    watchers = (await environment.metrics()).sum("oms_watchers");
  }
  if (watchers > 0) {
    findings.push(`${watchers} watches are open that everybody has left`);
  }
  const metrics = await environment.metrics();
  for (const code of ["INTERNAL", "UNKNOWN"]) {
    const count = metrics.sum("oms_rpc_duration_seconds_count", { code });
    if (count > 0) {
      findings.push(`${count} calls ended as ${code}`);
    }
  }
  const half = await findInconsistencies(environment.mysqlUrl, environment.prefix);
  return { changes: half.changes, findings: [...findings, ...half.findings] };
}

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : error}\n\n`);
    process.exit(2);
  }
}
