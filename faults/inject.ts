import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Direction, TcpProxy } from "../tools/testkit/tcp-proxy.ts";
import { deleteConsumer, deleteStream, exhaustConnections } from "./backend-faults.ts";
import type { Cluster } from "./cluster/index.ts";
import type { Member } from "./cluster/member.ts";
import type { FaultKind } from "./kinds.ts";
import type { Fault, Target } from "./plan.ts";

/** A fault that was injected, or that missed. */
export interface InjectedFault {
  readonly fault: Fault;
  /**
   * `performance.now()` at its start and its end: a killed process is up again, a frozen one is
   * thawed.
   */
  readonly from: number;
  readonly until: number;
  /** Why it had no effect; undefined for a hit. */
  readonly missed?: string;
}

/** The fault had no effect; this is no failure of the suite. */
class Missed extends Error {}

const HOUR_MS = 3_600_000;
const DELAY_MS = 300;

/** Time to wait for a message whose answer can be dropped, in milliseconds. */
const MATCH_TIMEOUT_MS = 4_000;

/** End of a transaction, alone or within the committer's block. */
const COMMIT = /\bcommit\b/i;

/** A publish in the NATS protocol. */
const PUBLISH = /^H?PUB oms\.v1\./m;

/**
 * Injects the faults of a plan at their times; `onInjected` is called after each. Ends early,
 * active faults included, on the signal.
 */
export async function injectPlan(
  plan: readonly Fault[],
  cluster: Cluster,
  { onInjected, signal }: { readonly onInjected: (injected: InjectedFault) => void; readonly signal: AbortSignal },
): Promise<void> {
  const began = performance.now();
  const active: Promise<void>[] = [];
  for (const fault of plan) {
    await pause(began + fault.at - performance.now(), signal);
    if (signal.aborted) {
      break;
    }
    active.push(inject(fault, cluster, signal).then(onInjected));
  }
  await Promise.all(active);
}

/** Injects one fault and waits for its end. */
async function inject(fault: Fault, cluster: Cluster, signal: AbortSignal): Promise<InjectedFault> {
  const from = performance.now();
  try {
    await INJECTORS[fault.kind](fault, cluster, signal);
    return { fault, from, until: performance.now() };
  } catch (error) {
    if (!(error instanceof Missed)) {
      throw error;
    }
    return { fault, from, until: performance.now(), missed: error.message };
  }
}

type Injector = (fault: Fault, cluster: Cluster, signal: AbortSignal) => Promise<void>;

const INJECTORS: Readonly<Record<FaultKind, Injector>> = {
  kill: (fault, cluster, signal) => killAndRestart(memberOf(fault.target, cluster), fault, signal),
  async freeze({ target, durationMs }, cluster, signal) {
    const member = memberOf(target, cluster);
    if (!member.isUp()) {
      throw new Missed("the process was not up");
    }
    member.freeze();
    await pause(durationMs, signal);
    member.thaw();
  },
  async cut({ target, durationMs }, cluster, signal) {
    const link = linkOf(target, cluster);
    link.setAcceptMode("closed");
    link.closeConnections();
    await pause(durationMs, signal);
    link.setAcceptMode("open");
  },
  "half-open": halfOpen("to server", "to client"),
  "half-open to server": halfOpen("to server"),
  "half-open to client": halfOpen("to client"),
  async delay({ target, durationMs }, cluster, signal) {
    const link = linkOf(target, cluster);
    link.setDelay(DELAY_MS);
    await pause(durationMs, signal);
    link.setDelay(0);
  },
  "COMMIT answer lost": loseAnswer(COMMIT),
  "publish answer lost": loseAnswer(PUBLISH),
  "consumer deleted": ({ chance }, { backendAddresses }) =>
    missedOnError(() => deleteConsumer(backendAddresses.natsUrl, chance)),
  "stream deleted": (_fault, { backendAddresses }) => missedOnError(() => deleteStream(backendAddresses.natsUrl)),
  "JetStream directory deleted while running": (_fault, cluster) => remove(join(cluster.dirOf("nats"), "jetstream")),
  "JetStream directory deleted, killed": (fault, cluster, signal) =>
    killAndRestart(cluster.backends.nats, fault, signal, () => remove(join(cluster.dirOf("nats"), "jetstream"))),
  "Redis emptied, killed": (fault, cluster, signal) =>
    killAndRestart(cluster.backends.redis, fault, signal, () => remove(cluster.dirOf("redis"))),
  async "connections exhausted"({ durationMs }, cluster, signal) {
    const release = exhaustConnections(cluster.backendAddresses.mysqlUrl);
    for (const service of cluster.services.keys()) {
      cluster.link(service, "mariadb").closeConnections();
    }
    await pause(durationMs, signal);
    release();
  },
  async "clock jump"({ target, durationMs, chance }, cluster, signal) {
    const service = target.service as number;
    cluster.setClock(service, chance < 0.5 ? -HOUR_MS : HOUR_MS);
    await pause(durationMs, signal);
    cluster.setClock(service, 0);
  },
};

async function killAndRestart(
  member: Member,
  { durationMs }: Fault,
  signal: AbortSignal,
  whileDown: () => Promise<void> = async () => {},
): Promise<void> {
  await member.kill();
  await whileDown();
  await pause(durationMs, signal);
  // The start can take long while its dependencies are down.
  await Promise.race([member.start(), aborted(signal)]);
}

function halfOpen(...directions: readonly Direction[]): Injector {
  return async ({ target, durationMs }, cluster, signal) => {
    const link = linkOf(target, cluster);
    link.blackhole(directions);
    await pause(durationMs, signal);
    link.blackhole([]);
  };
}

/**
 * The server executes the matching message, but its answer is dropped; later the connection is
 * closed.
 */
function loseAnswer(message: RegExp): Injector {
  return async ({ target, durationMs }, cluster, signal) => {
    const link = linkOf(target, cluster);
    link.disruptNext((bytes) => message.test(bytes.toString("latin1")), "lose-answer", { silentMs: durationMs });
    for (const until = performance.now() + MATCH_TIMEOUT_MS; link.pendingDisruptions > 0; await pause(10, signal)) {
      if (performance.now() > until || signal.aborted) {
        link.clearDisruptions();
        throw new Missed("no such message was sent");
      }
    }
    await pause(durationMs, signal);
  };
}

async function missedOnError(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Missed(String(error));
  }
}

/** Retries, because a running process may write into the folder meanwhile. */
const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });

function memberOf({ service, server }: Target, cluster: Cluster): Member {
  return service === undefined ? cluster.backends[server] : (cluster.services[service] as Member);
}

function linkOf({ service, server }: Target, cluster: Cluster): TcpProxy {
  if (service === undefined || server === undefined) {
    throw new TypeError("the target of a link fault needs a service and a server");
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
