import { snapshotOf } from "../../observability/merge-metrics.ts";
import { createMetrics, type Metrics } from "../../observability/metrics.ts";
import type { EndpointUrls } from "../endpoints.ts";
import type { Ports } from "../listeners.ts";
import type { PrimaryMessage, WorkerMessage } from "./messages.ts";

/** A worker's place among the processes of a service. */
export interface WorkerPlace {
  /** From 1 to `OMS_PROCESSES`; a replacement has the number of its predecessor. */
  readonly number: number;
  /** Resolves when the others, too, can serve calls: the first one would get all connections. */
  mayListen(): Promise<void>;
  /** The metrics of this process. */
  readonly metrics: Metrics;
  /** The metrics of all processes in Prometheus's text format. */
  metricsPage(): Promise<string>;
}

/** The connection of a worker to the primary. When it breaks, Node ends the worker. */
export interface PrimaryConnection extends WorkerPlace {
  readonly urls: EndpointUrls;
  /** Resolves when this process is to stop. */
  readonly stopRequested: Promise<void>;
  reportListening(ports: Ports): void;
  /** Resolves when the report has been sent. */
  reportStartFailure(description: string): Promise<void>;
}

/** Connects this process, a worker of `node:cluster`, to its primary. */
export async function connectToPrimary(): Promise<PrimaryConnection> {
  const metrics = createMetrics();
  const start = Promise.withResolvers<Extract<PrimaryMessage, { kind: "start" }>>();
  const listen = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<void>();
  const waiting: PromiseWithResolvers<string>[] = [];

  process.on("message", (message: PrimaryMessage) => {
    switch (message.kind) {
      case "start":
        start.resolve(message);
        break;
      case "listen":
        listen.resolve();
        break;
      case "stop":
        stop.resolve();
        break;
      case "get-metrics":
        // Without a report the primary logs a warning, and uses the last one.
        snapshotOf(metrics).then(
          (snapshot) => send({ kind: "metrics", snapshot }),
          () => {},
        );
        break;
      case "metrics-page": {
        // Pages are alike: each answers the longest wait.
        const page = waiting.shift();
        if (message.error === undefined) {
          page?.resolve(message.page);
        } else {
          page?.reject(new Error(message.error));
        }
      }
    }
  });
  await send({ kind: "online" });
  const { number, urls } = await start.promise;
  return {
    number,
    urls,
    metrics,
    stopRequested: stop.promise,
    mayListen() {
      void send({ kind: "prepared" });
      return listen.promise;
    },
    metricsPage() {
      const page = Promise.withResolvers<string>();
      waiting.push(page);
      void send({ kind: "get-metrics-page" });
      return page.promise;
    },
    reportListening: (ports) => void send({ kind: "listening", ports }),
    reportStartFailure: (description) => send({ kind: "start-failed", description }),
  };
}

/** Resolves also when the primary is gone: Node then ends this process. */
function send(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, {}, () => resolve()));
}
