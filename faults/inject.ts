import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Direction, TcpProxy } from "../tools/testkit/tcp-proxy.ts";
import type { Cluster } from "./cluster/index.ts";
import type { Member } from "./cluster/member.ts";
import { exhaustConnections } from "./exhaust-connections.ts";
import { deleteConsumer, deleteStream } from "./jetstream.ts";
import type { FaultKind } from "./kinds.ts";
import type { Fault, Target } from "./plan.ts";

/** What became of a fault. */
export interface InjectedFault {
  readonly fault: Fault;
  /** `performance.now()` when it began, and when its cause was gone: what was killed is up again, what was frozen goes on. */
  readonly from: number;
  readonly until: number;
  /** Why it hit nothing; undefined where it did. */
  readonly missed?: string;
}

/** It hit nothing, and that is no fault of anybody's. */
class Missed extends Error {}

const HOUR_MS = 3_600_000;
const DELAY_MS = 300;

/** How long an answer that is to be lost is waited for, in milliseconds. */
const COME_BY_MS = 4_000;

/** A transaction's end, alone or within the committer's block. */
const COMMIT = /\bcommit\b/i;

/** A publish, in the broker's protocol. */
const PUBLISH = /^H?PUB oms\.v1\./m;

/** Does what the plan says, when it says it; each fault is told when it is over. Ends early, with what is under way, when told so. */
export async function injectPlan(
  plan: readonly Fault[],
  cluster: Cluster,
  { onInjected, signal }: { readonly onInjected: (fault: InjectedFault) => void; readonly signal: AbortSignal },
): Promise<void> {
  const began = performance.now();
  const injected: Promise<void>[] = [];
  for (const fault of plan) {
    await pause(began + fault.at - performance.now(), signal);
    if (signal.aborted) {
      break;
    }
    injected.push(inject(fault, cluster, signal).then(onInjected));
  }
  await Promise.all(injected);
}

/** One fault, from its begin to its end. */
export async function inject(fault: Fault, cluster: Cluster, signal: AbortSignal): Promise<InjectedFault> {
  const from = performance.now();
  try {
    await DEEDS[fault.kind](fault, cluster, signal);
    return { fault, from, until: performance.now() };
  } catch (error) {
    if (!(error instanceof Missed)) {
      throw error;
    }
    return { fault, from, until: performance.now(), missed: error.message };
  }
}

type Deed = (fault: Fault, cluster: Cluster, signal: AbortSignal) => Promise<void>;

const DEEDS: Readonly<Record<FaultKind, Deed>> = {
  kill: (fault, cluster, signal) => killed(memberOf(fault.target, cluster), fault, signal),
  async freeze({ target, durationMs }, cluster, signal) {
    const member = memberOf(target, cluster);
    if (!member.isUp()) {
      throw new Missed("it was not up");
    }
    member.freeze();
    await pause(durationMs, signal);
    member.thaw();
  },
  async cut({ target, durationMs }, cluster, signal) {
    const way = wayOf(target, cluster);
    way.setAcceptMode("closed");
    way.closeConnections();
    await pause(durationMs, signal);
    way.setAcceptMode("open");
  },
  "half-open": halfOpen("to server", "to client"),
  "half-open to server": halfOpen("to server"),
  "half-open to client": halfOpen("to client"),
  async delay({ target, durationMs }, cluster, signal) {
    const way = wayOf(target, cluster);
    way.setDelay(DELAY_MS);
    await pause(durationMs, signal);
    way.setDelay(0);
  },
  "COMMIT answer lost": answerLost(COMMIT),
  "publish answer lost": answerLost(PUBLISH),
  "consumer deleted": ({ chance }, { backendAddresses }) =>
    atBroker(() => deleteConsumer(backendAddresses.natsUrl, chance)),
  "stream deleted": (_fault, { backendAddresses }) => atBroker(() => deleteStream(backendAddresses.natsUrl)),
  "JetStream directory deleted while it runs": (_fault, cluster) => remove(join(cluster.dirOf("nats"), "jetstream")),
  "JetStream directory deleted, killed": (fault, cluster, signal) =>
    killed(cluster.backends.nats, fault, signal, () => remove(join(cluster.dirOf("nats"), "jetstream"))),
  "Redis emptied, killed": (fault, cluster, signal) =>
    killed(cluster.backends.redis, fault, signal, () => remove(cluster.dirOf("redis"))),
  async "connections filled"({ durationMs }, cluster, signal) {
    const free = exhaustConnections(cluster.backendAddresses.mysqlUrl);
    for (const service of cluster.services.keys()) {
      cluster.link(service, "mariadb").closeConnections();
    }
    await pause(durationMs, signal);
    free();
  },
  async "clock jump"({ target, durationMs, chance }, cluster, signal) {
    const service = target.service as number;
    cluster.setClock(service, chance < 0.5 ? -HOUR_MS : HOUR_MS);
    await pause(durationMs, signal);
    cluster.setClock(service, 0);
  },
};

async function killed(
  member: Member,
  { durationMs }: Fault,
  signal: AbortSignal,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  await member.kill();
  await meanwhile();
  await pause(durationMs, signal);
  // It may take long where what it needs is down.
  await Promise.race([member.start(), aborted(signal)]);
}

function halfOpen(...ways: readonly Direction[]): Deed {
  return async ({ target, durationMs }, cluster, signal) => {
    const way = wayOf(target, cluster);
    way.blackhole(ways);
    await pause(durationMs, signal);
    way.blackhole([]);
  };
}

/** The server does what it was told, and the service does not hear of it: for a while nothing, then the connection's end. */
function answerLost(message: RegExp): Deed {
  return async ({ target, durationMs }, cluster, signal) => {
    const way = wayOf(target, cluster);
    way.disruptNext((bytes) => message.test(bytes.toString("latin1")), "lose-answer", { silentMs: durationMs });
    for (const until = performance.now() + COME_BY_MS; way.pendingDisruptions > 0; await pause(10, signal)) {
      if (performance.now() > until || signal.aborted) {
        way.clearDisruptions();
        throw new Missed("none came by");
      }
    }
    await pause(durationMs, signal);
  };
}

async function atBroker(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Missed(String(error));
  }
}

/** Also while somebody writes into it. */
const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });

function memberOf({ service, server }: Target, cluster: Cluster): Member {
  return service === undefined ? cluster.backends[server] : (cluster.services[service] as Member);
}

function wayOf({ service, server }: Target, cluster: Cluster): TcpProxy {
  if (service === undefined || server === undefined) {
    throw new TypeError("a fault of a way has a service and a server");
  }
  return cluster.link(service, server);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => {});
}
