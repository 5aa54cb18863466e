import type { StreamConnection } from "../messaging/nats/connection.ts";
import { type Metrics, registerProcessMetrics } from "../observability/metrics.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { Readiness } from "../transport/http/pages.ts";

/** Registers the metrics that are read from components on each scrape. */
export function registerCollectors({
  metrics,
  db,
  stream,
  ready,
  role,
  processNumber,
}: {
  readonly metrics: Metrics;
  readonly db: Pick<OrderDatabase, "poolState">;
  readonly stream: Pick<StreamConnection, "onConnect">;
  readonly ready: () => Promise<Readiness>;
  readonly role: string;
  readonly processNumber: number;
}): void {
  registerProcessMetrics(metrics, { role, processNumber });
  metrics.backendUp.addCallback(async (observe) => {
    const readiness = await ready();
    for (const backend of ["database", "broker", "redis"] as const) {
      observe({ backend }, readiness[backend] === "ok" ? 1 : 0);
    }
  });
  metrics.databaseConnections.addCallback((observe) => {
    const { inUse, idle } = db.poolState();
    observe({ state: "in_use" }, inUse);
    observe({ state: "idle" }, idle);
  });
  metrics.databaseWaiting.addCallback((observe) => observe({}, db.poolState().waiting));
  metrics.databaseErrors.addCallback((observe) => {
    for (const [kind, count] of db.poolState().errors) {
      observe({ kind }, count);
    }
  });
  // Series start at 0; otherwise the first increment would not count as an increase.
  for (const event of ["first", "resumed", "restarted", "lost"]) {
    metrics.brokerConnectionEvents.inc({ event }, 0);
  }
  for (const reason of ["gone", "ahead", "stalled", "slow"]) {
    metrics.consumerRepairs.inc({ reason }, 0);
  }
  stream.onConnect((_client, event) => metrics.brokerConnectionEvents.inc({ event }));
}
