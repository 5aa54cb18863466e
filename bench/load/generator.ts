/**
 * The load generator, a process of its own: takes a LoadJob as JSON and prints the LoadResult as
 * JSON.
 *
 *     node bench/load/generator.ts '{"protocol":"grpc","ports":[50051],"call":"update-status",…}'
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type CallSequence, createCallSequences } from "./call-sequences.ts";
import { openHttp1 } from "./http1.ts";
import { openHttp2 } from "./http2.ts";
import type { Connection, LoadJob } from "./index.ts";
import { CONNECT_JSON, GRPC } from "./requests.ts";
import { createTally } from "./tally.ts";

const HOST = "127.0.0.1";
/** gRPC connections that callers share, at least one per port. */
const CONNECTIONS = 8;
/** Resolution of an open loop, in milliseconds. */
const TICK_MS = 1;
/** Time for calls in flight to end after the load, in milliseconds. */
const END_MS = 30_000;

const job = JSON.parse(process.argv[2] ?? "") as LoadJob;
const requests = job.protocol === "grpc" ? GRPC : CONNECT_JSON;
const headers = { "oms-caller": "bench" };
const connections = await Promise.all(
  Array.from({ length: connectionCount(job) }, (_, index) => {
    const port = job.ports[index % job.ports.length] ?? 0;
    return job.protocol === "grpc" ? openHttp2(HOST, port, headers) : openHttp1(HOST, port, headers);
  }),
);
const start = performance.now();
const begin = start + job.warmup * 1_000;
const end = begin + job.seconds * 1_000;
const tally = createTally(begin, end);
const newSequence = createCallSequences(job, requests);
let inFlight = 0;

function connectionCount({ protocol, callers, ports }: LoadJob): number {
  return protocol === "grpc" ? Math.max(ports.length, Math.min(callers, CONNECTIONS)) : callers;
}

function connectionOf(index: number): Connection {
  return connections[index % connections.length] as Connection;
}

/** Makes the next call of a sequence; does nothing at its end. */
function call(sequence: CallSequence, connection: Connection, since: number, onEnd: () => void): void {
  const step = sequence();
  if (step === undefined) {
    tally.ranOut();
    return;
  }
  inFlight += 1;
  connection.call(step.request.path, step.request.body, (reply) => {
    inFlight -= 1;
    const changes = typeof reply === "string" ? undefined : step.request.changes(reply);
    const outcome = reply === "rejected" ? "rejected" : changes === undefined ? "failed" : "done";
    tally.add(outcome, since, changes ?? 0);
    step.onOutcome(outcome);
    onEnd();
  });
}

/** Each caller makes its next call when the previous one has ended. */
function closedLoop({ callers, sharedOrders }: LoadJob): void {
  const sequences = Array.from({ length: sharedOrders ?? callers }, newSequence);
  for (let caller = 0; caller < callers; caller += 1) {
    const index = caller % sequences.length;
    const sequence = sequences[index] as CallSequence;
    const next = () => {
      const now = performance.now();
      if (now < end) {
        call(sequence, connectionOf(index), now, next);
      }
    };
    next();
  }
}

/** Calls start at their scheduled time, each by a sequence without a call in flight. */
function openLoop(perSecond: number): void {
  const idle: { readonly sequence: CallSequence; readonly index: number }[] = [];
  let sequences = 0;
  let started = 0;
  const timer = setInterval(() => {
    const now = Math.min(performance.now(), end);
    for (; started < ((now - start) / 1_000) * perSecond; started += 1) {
      const caller = idle.pop() ?? { sequence: newSequence(), index: sequences++ };
      const scheduled = start + (started / perSecond) * 1_000;
      call(caller.sequence, connectionOf(caller.index), scheduled, () => idle.push(caller));
    }
    if (now === end) {
      clearInterval(timer);
    }
  }, TICK_MS);
}

/** Cores used by this process from `begin` to `end`. */
async function measureCpu(): Promise<number> {
  await sleep(begin - performance.now());
  const before = process.cpuUsage();
  await sleep(end - performance.now());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (end - begin);
}

async function runToEnd(): Promise<void> {
  const cpu = await measureCpu();
  for (const until = performance.now() + END_MS; inFlight > 0 && performance.now() < until; ) {
    await sleep(10);
  }
  console.log(JSON.stringify(tally.result(cpu)));
}

if (job.perSecond === undefined) {
  closedLoop(job);
} else if (job.protocol === "grpc") {
  openLoop(job.perSecond);
} else {
  throw new Error("an open loop requires gRPC: an HTTP/1.1 connection carries one call at a time");
}
await runToEnd();
for (const connection of connections) {
  connection.close();
}
