import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { insertOrders, makeOrder } from "../tools/demo/orders.ts";
import { startBackends } from "../tools/testkit/backends.ts";
import { type Metrics, readMetrics } from "../tools/testkit/metrics.ts";
import { startServiceProcess } from "../tools/testkit/service.ts";

/**
 * The service under test with backends and stub systems of its own, all of them processes that exit
 * with this one.
 */
export interface FuzzEnvironment {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly mysqlUrl: string;
  readonly prefix: string;
  /** The orders in the database, at CREATED after the start. */
  readonly orderIds: readonly bigint[];
  /** Whether the service's process is still running. */
  isRunning(): boolean;
  metrics(): Promise<Metrics>;
  /** Output of the service since it was ready: error records and crashes. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

const PREFIX = "fuzz_";
const ORDERS = 4_000;
const FIRST_ORDER_ID = 171_203_000n;

export async function startFuzzEnvironment(print: (line: string) => void): Promise<FuzzEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), "oms-fuzz-"));
  const backends = await startBackends(print);
  const logFile = join(folder, "service.log");
  const remove = async () => {
    await backends.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { child, grpcPort, httpPort } = await startServiceProcess({
      endpoints: backends.endpoints,
      logFile,
      env: {
        OMS_DATABASE_PREFIX: PREFIX,
        OMS_LOG_LEVEL: "error",
        // Cases for reflection, health and unknown paths come from one address.
        OMS_UNAUTHENTICATED_PER_SECOND: "0",
        // The consistency check reads all events at the end.
        OMS_OUTBOX_RETENTION_MS: "86400000",
      },
    });
    const database = await createConnection(backends.endpoints.mysqlUrl);
    const orders = Array.from({ length: ORDERS }, (_, index) => makeOrder(FIRST_ORDER_ID, index));
    await insertOrders(database, PREFIX, orders);
    await database.end();
    const banner = await readFile(logFile, "utf8");
    return {
      grpcPort,
      httpPort,
      mysqlUrl: backends.endpoints.mysqlUrl,
      prefix: PREFIX,
      orderIds: orders.map(({ id }) => id),
      isRunning: () => child.exitCode() === undefined,
      metrics: async () => readMetrics([await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()]),
      log: async () => (await readFile(logFile, "utf8")).slice(banner.length).trim(),
      async stop() {
        await child.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
