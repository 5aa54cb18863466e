import { checkAll } from "./checks/index.ts";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster/index.ts";
import type { CheckResult, Finding } from "./findings.ts";
import { type InjectedFault, injectPlan } from "./inject.ts";
import type { Fault } from "./plan.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { startWorkload, type Workload } from "./workload/index.ts";

/** Results of one round: one load on a cluster of its own. */
export interface Round {
  readonly seed: number;
  readonly injected: readonly InjectedFault[];
  readonly timeline: Timeline;
  /** `performance.now()` at the end of the load. */
  readonly loadEnded: number;
  /** Committed status changes. */
  readonly events: number;
  /** Effects that were retried or run from the ledger. */
  readonly recovered: number;
  readonly results: readonly CheckResult[];
}

export interface RoundOptions {
  readonly seed: number;
  /** Folder for everything that the round writes; emptied first. */
  readonly dir: string;
  readonly perSecond: number;
  /** Program of the services; the service by default. */
  readonly main?: ClusterOptions["main"];
  /** What is done to the cluster while the workload runs; the workload ends with it. */
  readonly underLoad: (context: RoundContext) => Promise<void>;
  /** Time limit for outbox and ledger to drain after the load, in milliseconds. */
  readonly drainMs: number;
  /** Called on each phase; `injected` grows during the round. */
  readonly onProgress: (progress: {
    readonly phase: string;
    readonly workload: Workload | undefined;
    readonly injected: readonly InjectedFault[];
  }) => void;
}

/** A cluster under load. */
export interface RoundContext {
  readonly cluster: Cluster;
  readonly timeline: Timeline;
  readonly onInjected: (injected: InjectedFault) => void;
}

/** Time limit for all processes to be up after the faults, in milliseconds. */
const HEAL_MS = 60_000;

/** Time limit for the workload to end after that, in milliseconds. */
const WORKLOAD_END_MS = 150_000;

/**
 * Starts a cluster and a workload, injects faults, repairs everything, waits for the drain and runs
 * all checks.
 */
export async function runRound(options: RoundOptions): Promise<Round> {
  const { seed, dir, perSecond, main, underLoad, drainMs, onProgress } = options;
  const injected: InjectedFault[] = [];
  let workload: Workload | undefined;
  const enter = (phase: string) => onProgress({ phase, workload, injected });
  enter("starting servers");
  const cluster = await startCluster({ dir, ...(main !== undefined && { main }) });
  const timeline = createTimeline();
  try {
    workload = await startWorkload({
      seed,
      services: cluster.serviceAddresses,
      backends: cluster.backendAddresses,
      perSecond,
      onCall: timeline.record,
    });
    enter("load and faults");
    await underLoad({ cluster, timeline, onInjected: (fault) => injected.push(fault) });
    const loadEnded = performance.now();
    enter("repairing, last calls");
    await cluster.heal(HEAL_MS);
    const journal = await withTimeout(WORKLOAD_END_MS, workload.stop(), "the workload did not end");
    enter("drain and checks");
    const { events, recovered, results } = await checkAll(journal, cluster.backendAddresses, { timeoutMs: drainMs });
    return {
      seed,
      injected,
      timeline,
      loadEnded,
      events,
      recovered,
      results: [...results, checkServiceExits(cluster, injected)],
    };
  } finally {
    await cluster.stop();
  }
}

async function withTimeout<T>(limitMs: number, work: Promise<T>, message: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${message} within ${limitMs / 1_000} s`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Injects a plan. Lasts `durationMs`, also when the plan ends earlier. */
export function injectDuring(plan: readonly Fault[], durationMs: number): RoundOptions["underLoad"] {
  return async ({ cluster, onInjected }) => {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), durationMs);
    try {
      const ended = new Promise((resolve) => end.signal.addEventListener("abort", resolve));
      await Promise.all([injectPlan(plan, cluster, { onInjected, signal: end.signal }), ended]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Services must survive any fault of their backends. */
function checkServiceExits({ unexpectedExits }: Cluster, injected: readonly InjectedFault[]): CheckResult {
  const findings = unexpectedExits
    .filter((sentence) => sentence.startsWith("service"))
    .map((text): Finding => ({ kind: "other", text }));
  return { name: "no service exits unexpectedly", checked: injected.length, findings };
}
