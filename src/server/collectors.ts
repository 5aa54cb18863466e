import type { StreamConnection } from "../messaging/nats/connection.ts";
import type { Metrics } from "../observability/metrics.ts";
import { registerProcessMetrics } from "../observability/process-metrics.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { Readiness } from "../transport/servers.ts";

/** Has the metrics look up what parts of the service know that know nothing of metrics. */
export function registerCollectors({
  metrics,
  db,
  stream,
  ready,
  role,
}: {
  readonly metrics: Metrics;
  readonly db: Pick<OrderDatabase, "poolState">;
  readonly stream: Pick<StreamConnection, "onConnect">;
  readonly ready: () => Promise<Readiness>;
  readonly role: string;
}): void {
  registerProcessMetrics(metrics, role);
  metrics.serverUp.addCallback(async (tell) => {
    const readiness = await ready();
    for (const server of ["database", "broker", "redis"] as const) {
      tell({ server }, readiness[server] === "ok" ? 1 : 0);
    }
  });
  metrics.databaseConnections.addCallback((tell) => {
    const { inUse, idle } = db.poolState();
    tell({ state: "in_use" }, inUse);
    tell({ state: "idle" }, idle);
  });
  metrics.databaseWaiting.addCallback((tell) => tell({}, db.poolState().waiting));
  metrics.databaseErrors.addCallback((tell) => {
    for (const [kind, count] of db.poolState().errors) {
      tell({ kind }, count);
    }
  });
  // What has happened to nobody stands there with 0: else the first time would be no increase.
  for (const arrival of ["first", "resumed", "restarted", "lost"]) {
    metrics.brokerArrivals.inc({ arrival }, 0);
  }
  for (const reason of ["gone", "ahead", "stalled", "slow"]) {
    metrics.consumerRepairs.inc({ reason }, 0);
  }
  stream.onConnect((_client, arrival) => metrics.brokerArrivals.inc({ arrival }));
}
