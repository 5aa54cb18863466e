import { checkAll } from "./checks/index.ts";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster/index.ts";
import { type InjectedFault, injectPlan } from "./inject.ts";
import type { Fault } from "./plan.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import type { CheckResult, Finding } from "./types.ts";
import { startWorkload, type Workload } from "./workload/index.ts";

/** What one load on a cluster of its own came to. */
export interface Round {
  readonly seed: number;
  readonly injected: readonly InjectedFault[];
  readonly timeline: Timeline;
  /** `performance.now()` when the load was over. */
  readonly loadEnded: number;
  /** Events that were committed. */
  readonly events: number;
  readonly recovered: number;
  readonly results: readonly CheckResult[];
}

export interface RoundOptions {
  readonly seed: number;
  /** Of everything that becomes of the round; emptied first. */
  readonly dir: string;
  readonly perSecond: number;
  /** The services' program, where it is not the service. */
  readonly main?: ClusterOptions["main"];
  /** What is done to the cluster under load; the load ends with it. */
  readonly load: (world: RoundContext) => Promise<void>;
  /** How long everything may take to be done once the load is over. */
  readonly drainMs: number;
  /** Told what goes on; the injected are those so far, and more are added. */
  readonly onProgress: (watched: {
    readonly phase: string;
    readonly workload: Workload | undefined;
    readonly injected: readonly InjectedFault[];
  }) => void;
}

/** A cluster under load. */
export interface RoundContext {
  readonly cluster: Cluster;
  readonly timeline: Timeline;
  readonly onInjected: (fault: InjectedFault) => void;
}

/** How long processes may take to be up again once nothing breaks them any more. */
const HEAL_MS = 60_000;

/** How long the workload may take to end, once everything is up. */
const LAST_CALLS_MS = 150_000;

/** A cluster is started, loaded, broken, repaired, waited for and checked at. */
export async function runRound(options: RoundOptions): Promise<Round> {
  const { seed, dir, perSecond, main, load, drainMs, onProgress } = options;
  const injected: InjectedFault[] = [];
  let workload: Workload | undefined;
  const enter = (phase: string) => onProgress({ phase, workload, injected });
  enter("servers start");
  const cluster = await startCluster({ dir, ...(main !== undefined && { main }) });
  const timeline = createTimeline();
  try {
    workload = await startWorkload({
      seed,
      services: cluster.serviceAddresses,
      servers: cluster.backendAddresses,
      perSecond,
      onCall: timeline.record,
    });
    enter("load and faults");
    await load({ cluster, timeline, onInjected: (fault) => injected.push(fault) });
    const loadEnded = performance.now();
    enter("repaired, the last calls end");
    await cluster.heal(HEAL_MS);
    const journal = await within(LAST_CALLS_MS, workload.stop(), "the workload did not end");
    enter("drain and checks");
    const checked = await checkAll(journal, cluster.backendAddresses, { boundMs: drainMs });
    return {
      seed,
      injected,
      timeline,
      loadEnded,
      events: checked.events,
      recovered: checked.recovered,
      results: [...checked.results, collapsesOf(cluster, injected)],
    };
  } finally {
    await cluster.stop();
  }
}

async function within<T>(limitMs: number, work: Promise<T>, complaint: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${complaint} within ${limitMs / 1_000} s`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The plan, as what is done to a cluster; it lasts for the whole time, whatever the plan holds. */
export function injectDuring(plan: readonly Fault[], durationMs: number): RoundOptions["load"] {
  return async ({ cluster, onInjected }) => {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), durationMs);
    try {
      const ended = new Promise((resolve) => over.signal.addEventListener("abort", resolve));
      await Promise.all([injectPlan(plan, cluster, { onInjected, signal: over.signal }), ended]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Whatever is done to the servers, a service does not fall. */
function collapsesOf({ unexpectedExits }: Cluster, injected: readonly InjectedFault[]): CheckResult {
  const findings = unexpectedExits
    .filter((sentence) => sentence.startsWith("service"))
    .map((text): Finding => ({ kind: "other", text }));
  return { name: "no service ends by itself", checked: injected.length, findings };
}
