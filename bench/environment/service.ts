import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import nodeFlags from "../../scripts/service-flags.json" with { type: "json" };
import type { BackendProcesses } from "../../tools/testkit/backends.ts";
import { type Child, startScript } from "../../tools/testkit/child.ts";
import { readMetrics } from "../../tools/testkit/metrics.ts";
import { freshPrefix, resetBackends } from "./reset.ts";
import type { Service } from "./subject.ts";

export interface ServiceOptions {
  /** Laid over the usual configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** How many processes of it; one unless told. */
  readonly processes?: number;
}

const LOOK_AGAIN_MS = 50;

interface Process {
  readonly child: Child;
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Ready for calls, with broker and Redis at hand. */
export async function isReady(httpPort: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined);
  if (answer?.ok !== true) {
    return false;
  }
  const { broker, redis } = (await answer.json()) as { broker: string; redis: string };
  return broker === "ok" && redis === "ok";
}

async function startProcess({ servers }: BackendProcesses, env: Readonly<Record<string, string>>): Promise<Process> {
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  const child = startScript("src/main.ts", {
    nodeFlags,
    silent: true,
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
      OMS_LOG_LEVEL: "warn",
      ...env,
    },
  });
  while (!(await isReady(httpPort))) {
    if (child.exitCode() !== undefined) {
      throw new Error(`the service ended with ${child.exitCode()} before it was ready:\n${child.said()}`);
    }
    await sleep(LOOK_AGAIN_MS);
  }
  return { child, grpcPort, httpPort };
}

/** Starts the service as it is run in production: servers and neighbours are given, schemas are its own. */
export async function startService(processes: BackendProcesses, options: ServiceOptions = {}): Promise<Service> {
  const prefix = freshPrefix();
  const started: Process[] = [];
  for (let count = options.processes ?? 1; count > 0; count -= 1) {
    started.push(await startProcess(processes, { OMS_DATABASE_PREFIX: prefix, ...options.env }));
  }
  const [first] = started as [Process];
  const children = started.map(({ child }) => child);
  const database = await createConnection(processes.servers.mysqlUrl);
  return {
    port: first.grpcPort,
    httpPort: first.httpPort,
    pid: first.child.pid,
    prefix,
    grpcPorts: started.map(({ grpcPort }) => grpcPort),
    httpPorts: started.map(({ httpPort }) => httpPort),
    memory: () => Math.max(...children.map((child) => child.memory())),
    cpu: () => children.reduce((sum, child) => sum + child.cpu(), 0),
    async openWork() {
      const [rows] = await database.query<RowDataPacket[]>(
        `select count(*) as open from ${prefix}oms_db.oms_action_ledger where state in ('PENDING', 'RETRYING')`,
      );
      return Number(rows[0]?.open);
    },
    async metrics() {
      const pages = started.map(({ httpPort }) => fetch(`http://127.0.0.1:${httpPort}/metrics`));
      return readMetrics(await Promise.all((await Promise.all(pages)).map((page) => page.text())));
    },
    async stop() {
      await database.end();
      await Promise.all(children.map((child) => child.stop()));
      await resetBackends(processes, prefix);
    },
  };
}
