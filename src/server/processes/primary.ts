import cluster, { type Worker } from "node:cluster";
import { withTimeout } from "../../lib/async.ts";
import { backOffMs } from "../../lib/back-off.ts";
import type { Logger } from "../../observability/log.ts";
import {
  type MetricsSnapshot,
  mergeEnded,
  renderMerged,
  snapshotOf,
  sumsOf,
} from "../../observability/merge-metrics.ts";
import { createMetrics } from "../../observability/metrics.ts";
import type { EndpointUrls } from "../endpoints.ts";
import type { Ports } from "../listeners.ts";
import type { PrimaryMessage, WorkerMessage } from "./messages.ts";

/** Delay before a process that exited is replaced. */
const RESTART_BACK_OFF = { baseMs: 200, capMs: 10_000 };

/** Time (ms) after which a process counts as stable: its exit is the first failure again. */
const STABLE_MS = 60_000;

/** Time (ms) for a process to report its metrics; after it, its last ones are used. */
const METRICS_TIMEOUT_MS = 2_000;

/** A worker could not start; the message describes it to the operator. */
export class WorkerStartError extends Error {
  override readonly name = "WorkerStartError";
}

/** The processes that share the ports of one service. */
export interface ProcessGroup {
  /**
   * Starts the processes and resolves when all of them listen.
   *
   * @throws WorkerStartError when one of them fails; `stop` stops the others
   */
  start(): Promise<Ports>;
  /** Stops all processes at once, each with its graceful shutdown. */
  stop(): Promise<void>;
}

interface Member {
  readonly number: number;
  readonly worker: Worker;
  /** Resolves when it has exited and its last message has been read. */
  readonly exited: Promise<void>;
  /** Consecutive exits of its predecessors. */
  readonly failures: number;
  /** Whether it waits for the others, or listens. */
  isPrepared: boolean;
  /** Undefined until it listens. */
  listeningSince: number | undefined;
  /** Why its start failed. */
  startFailure: string | undefined;
  snapshot: MetricsSnapshot;
  /** Resolved when it reports its metrics, or exits; undefined: no report is awaited. */
  report: PromiseWithResolvers<true> | undefined;
}

/**
 * Runs `count` worker processes (`node:cluster`). This process, the primary, accepts the
 * connections and distributes them in turn, replaces workers that exit, and merges their metrics.
 * The workers exit when it does, however it ends.
 *
 * @param stopTimeoutMs shutdown timeout of a worker; after it the worker is killed
 */
export function createProcessGroup({
  count,
  urls,
  log,
  stopTimeoutMs,
}: {
  readonly count: number;
  readonly urls: EndpointUrls;
  readonly log: Logger;
  readonly stopTimeoutMs: number;
}): ProcessGroup {
  const metrics = createMetrics();
  const members = new Set<Member>();
  const started = Promise.withResolvers<Ports>();
  let hasStarted = false;
  let stopping = false;
  let ended: MetricsSnapshot = [];

  function fork(number: number, failures = 0): void {
    const worker = cluster.fork();
    const member: Member = {
      number,
      worker,
      failures,
      exited: exitOf(worker).then((exit) => onExit(member, exit)),
      isPrepared: false,
      listeningSince: undefined,
      startFailure: undefined,
      snapshot: [],
      report: undefined,
    };
    members.add(member);
    worker.on("message", (message: WorkerMessage) => onMessage(member, message));
  }

  function onMessage(member: Member, message: WorkerMessage): void {
    const { number, worker } = member;
    switch (message.kind) {
      case "online":
        if (stopping) {
          worker.process.kill();
        } else {
          send(worker, { kind: "start", number, urls });
        }
        break;
      case "prepared":
        member.isPrepared = true;
        if (hasStarted) {
          send(worker, { kind: "listen" });
        } else if ([...members].every(({ isPrepared }) => isPrepared)) {
          for (const each of members) {
            send(each.worker, { kind: "listen" });
          }
        }
        break;
      case "listening":
        member.listeningSince = performance.now();
        if (hasStarted) {
          log.info({ process: number, pid: worker.process.pid }, "process replaced");
        } else if ([...members].every(({ listeningSince }) => listeningSince !== undefined)) {
          hasStarted = true;
          started.resolve(message.ports);
        }
        break;
      case "start-failed":
        member.startFailure = message.description;
        break;
      case "metrics":
        member.snapshot = message.snapshot;
        member.report?.resolve(true);
        member.report = undefined;
        break;
      case "get-metrics-page":
        metricsPage().then(
          (page) => send(worker, { kind: "metrics-page", page }),
          (error: unknown) => send(worker, { kind: "metrics-page", page: "", error: String(error) }),
        );
    }
  }

  function onExit(member: Member, cause: string): void {
    const { number, worker, startFailure, listeningSince } = member;
    members.delete(member);
    ended = mergeEnded([ended, member.snapshot]);
    member.report?.resolve(true);
    if (stopping) {
      return;
    }
    if (!hasStarted) {
      started.reject(new WorkerStartError(startFailure ?? `Process ${number} failed before it was ready: ${cause}.`));
      return;
    }
    const isStable = listeningSince !== undefined && performance.now() - listeningSince >= STABLE_MS;
    const failures = isStable ? 1 : member.failures + 1;
    const delayMs = backOffMs(RESTART_BACK_OFF, failures);
    metrics.processRestarts.inc();
    log.error(
      { process: number, pid: worker.process.pid, cause, startFailure, delayMs },
      "process exited; starting another one",
    );
    setTimeout(() => {
      if (!stopping) {
        fork(number, failures);
      }
    }, delayMs);
  }

  /** The metrics of all processes: of one that does not report in time, the last ones. */
  async function metricsPage(): Promise<string> {
    const own = snapshotOf(metrics);
    const listening = [...members].filter(({ listeningSince }) => listeningSince !== undefined);
    await Promise.all(listening.map(updateSnapshot));
    return renderMerged([sumsOf(await own), ended, ...[...members].map(({ snapshot }) => snapshot)]);
  }

  async function updateSnapshot(member: Member): Promise<void> {
    member.report ??= Promise.withResolvers();
    send(member.worker, { kind: "get-metrics" });
    if ((await withTimeout(member.report.promise, METRICS_TIMEOUT_MS)) === undefined) {
      log.warn({ process: member.number, timeoutMs: METRICS_TIMEOUT_MS }, "process reported no metrics in time");
    }
  }

  return {
    start() {
      // Unlike JSON, this form has a representation of NaN, which metrics contain.
      cluster.setupPrimary({ serialization: "advanced" });
      for (let number = 1; number <= count; number += 1) {
        fork(number);
      }
      return started.promise;
    },
    async stop() {
      stopping = true;
      await Promise.all(
        [...members].map(async ({ worker, exited }) => {
          send(worker, { kind: "stop" });
          await withTimeout(exited, stopTimeoutMs);
          // Does nothing if it has exited.
          worker.process.kill("SIGKILL");
        }),
      );
    },
  };
}

/** Why a worker exited, as soon as it has and its last message has been read. */
async function exitOf(worker: Worker): Promise<string> {
  const disconnected = new Promise((resolve) => worker.once("disconnect", resolve));
  const { cause, hasRun } = await new Promise<{ cause: string; hasRun: boolean }>((resolve) => {
    worker.once("exit", (code, signal) => resolve({ cause: signal ?? `exit code ${code}`, hasRun: true }));
    worker.once("error", (error) => resolve({ cause: error.message, hasRun: false }));
  });
  if (hasRun) {
    await disconnected;
  }
  return cause;
}

/** A worker that is gone receives nothing. */
function send(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) {
    worker.send(message, () => {});
  }
}
