/**
 * The load, as a process of its own: takes a LoadJob as JSON, prints the LoadResult as JSON.
 *
 *     node bench/load/generator.ts '{"protocol":"grpc","ports":[50051],"call":"update-status",…}'
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type CallSequence, createCallSequences } from "./call-sequences.ts";
import type { Connection } from "./connection.ts";
import { openHttp1 } from "./http1.ts";
import { openH2 } from "./http2.ts";
import type { LoadJob } from "./index.ts";
import { CONNECT_JSON, GRPC } from "./requests.ts";
import { createTally } from "./tally.ts";

const HOST = "127.0.0.1";
/** Over gRPC callers share so many connections, or one for each port where there are more. */
const CONNECTIONS = 8;
/** How often an open loop looks at the time, in milliseconds. */
const TICK_MS = 1;
/** How long calls under way may take to end after the load, in milliseconds. */
const END_MS = 30_000;

const job = JSON.parse(process.argv[2] ?? "") as LoadJob;
const requests = job.protocol === "grpc" ? GRPC : CONNECT_JSON;
const headers = { "oms-caller": "bench" };
const connections = await Promise.all(
  Array.from({ length: connectionCount(job) }, (_, index) => {
    const port = job.ports[index % job.ports.length] ?? 0;
    return job.protocol === "grpc" ? openH2(HOST, port, headers) : openHttp1(HOST, port, headers);
  }),
);
const start = performance.now();
const begin = start + job.warmup * 1_000;
const end = begin + job.seconds * 1_000;
const tally = createTally(begin, end);
const newWalk = createCallSequences(job, requests);
let underWay = 0;

function connectionCount({ protocol, callers, ports }: LoadJob): number {
  return protocol === "grpc" ? Math.max(ports.length, Math.min(callers, CONNECTIONS)) : callers;
}

function connectionOf(index: number): Connection {
  return connections[index % connections.length] as Connection;
}

/** Makes the walk's next call, and says when it has ended; false when there is none. */
function call(walk: CallSequence, connection: Connection, since: number, ended: () => void): boolean {
  const step = walk();
  if (step === undefined) {
    tally.ranOut();
    return false;
  }
  underWay += 1;
  connection.call(step.request.path, step.request.body, (answer) => {
    underWay -= 1;
    const changes = typeof answer === "string" ? undefined : step.request.changes(answer);
    const came = answer === "refused" ? "refused" : changes === undefined ? "failed" : "done";
    tally.add(came, since, changes ?? 0);
    step.onOutcome(came);
    ended();
  });
  return true;
}

/** So many callers, each of which calls as soon as it has its answer. */
function closedLoop({ callers, sharedOrders }: LoadJob): void {
  const walks = Array.from({ length: sharedOrders ?? callers }, newWalk);
  for (let caller = 0; caller < callers; caller += 1) {
    const index = caller % walks.length;
    const walk = walks[index] as CallSequence;
    const next = () => {
      const now = performance.now();
      if (now < end) {
        call(walk, connectionOf(index), now, next);
      }
    };
    next();
  }
}

/** Calls that begin when they are due, each by a walk that has no call under way. */
function openLoop(perSecond: number): void {
  const idle: { readonly walk: CallSequence; readonly index: number }[] = [];
  let walks = 0;
  let begun = 0;
  const timer = setInterval(() => {
    const now = Math.min(performance.now(), end);
    for (; begun < ((now - start) / 1_000) * perSecond; begun += 1) {
      const caller = idle.pop() ?? { walk: newWalk(), index: walks++ };
      call(caller.walk, connectionOf(caller.index), start + (begun / perSecond) * 1_000, () => idle.push(caller));
    }
    if (now === end) {
      clearInterval(timer);
    }
  }, TICK_MS);
}

/** The share of one core that this process takes from `begin` to `end`. */
async function measureCpu(): Promise<number> {
  await sleep(begin - performance.now());
  const before = process.cpuUsage();
  await sleep(end - performance.now());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (end - begin);
}

async function runToEnd(): Promise<void> {
  const cpu = await measureCpu();
  for (const until = performance.now() + END_MS; underWay > 0 && performance.now() < until; ) {
    await sleep(10);
  }
  console.log(JSON.stringify(tally.result(cpu)));
}

if (job.perSecond === undefined) {
  closedLoop(job);
} else if (job.protocol === "grpc") {
  openLoop(job.perSecond);
} else {
  throw new Error("an open loop goes over gRPC only: an HTTP/1.1 connection has one call under way at a time");
}
await runToEnd();
for (const connection of connections) {
  connection.close();
}
