import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { freePort, isReady } from "../bench/environment/service.ts";
import nodeFlags from "../scripts/service-flags.json" with { type: "json" };
import { insertOrders, makeOrder } from "../tools/demo/orders.ts";
import { startChild } from "../tools/devstack/child.ts";
import { startBackends } from "../tools/testkit/backends.ts";
import { readMetrics } from "../tools/testkit/metrics.ts";

/** A service as in production, with servers and neighbours of its own, all of them processes that end with this one. */
export interface FuzzEnvironment {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly mysqlUrl: string;
  readonly prefix: string;
  /** Orders at CREATED that are there. */
  readonly orderIds: readonly bigint[];
  /** Whether the service's process still runs. */
  isRunning(): boolean;
  metrics(): Promise<ReturnType<typeof readMetrics>>;
  /** What the service had to say of bugs. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

const PREFIX = "fuzz_";
const ORDERS = 4_000;
const FIRST_ORDER_ID = 171_203_000n;
const LOOK_AGAIN_MS = 50;
const STOP_MS = 15_000;

export async function startFuzzEnvironment(say: (line: string) => void): Promise<FuzzEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), "oms-fuzz-"));
  const processes = await startBackends(say);
  const { servers } = processes;
  const logFile = join(folder, "service.log");
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  const service = await startChild({
    command: process.execPath,
    args: [...nodeFlags, join(import.meta.dirname, "../src/main.ts")],
    cwd: folder,
    logFile,
    env: {
      OMS_MYSQL_URL: servers.mysqlUrl,
      OMS_NATS_URL: servers.natsUrl,
      OMS_REDIS_URL: servers.redisUrl,
      OMS_EINVOICE_URL: servers.einvoiceUrl,
      OMS_FINANCE_URL: servers.financeUrl,
      OMS_MESSAGE_URL: servers.messageUrl,
      OMS_ERP_URL: servers.erpUrl,
      OMS_WMS_URL: servers.wmsUrl,
      OMS_GRPC_PORT: String(grpcPort),
      OMS_HTTP_PORT: String(httpPort),
      OMS_DATABASE_PREFIX: PREFIX,
      OMS_LOG_LEVEL: "error",
      // All events stay to be looked at.
      OMS_OUTBOX_RETENTION_MS: "86400000",
    },
  });
  const stop = async () => {
    await service.stop(STOP_MS);
    await processes.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    while (!(await isReady(httpPort))) {
      if (!service.running()) {
        throw new Error(`the service did not start:\n${await readFile(logFile, "utf8")}`);
      }
      await sleep(LOOK_AGAIN_MS);
    }
    const database = await createConnection(servers.mysqlUrl);
    const orders = Array.from({ length: ORDERS }, (_, index) => makeOrder(FIRST_ORDER_ID, index));
    await insertOrders(database, PREFIX, orders);
    await database.end();
    return {
      grpcPort,
      httpPort,
      mysqlUrl: servers.mysqlUrl,
      prefix: PREFIX,
      orderIds: orders.map(({ id }) => id),
      isRunning: () => service.running(),
      metrics: async () => readMetrics([await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()]),
      log: () => readFile(logFile, "utf8"),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
