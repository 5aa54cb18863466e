import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { BackendProcesses } from "../../tools/testkit/backends.ts";
import { readMetrics } from "../../tools/testkit/metrics.ts";
import { type ServiceProcess, startServiceProcess } from "../../tools/testkit/service.ts";
import { freshPrefix, resetBackends } from "./reset.ts";
import type { Service } from "./subject.ts";

export interface ServiceOptions {
  /** Overrides of the default configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Number of processes that share schemas and stream; 1 by default. */
  readonly processes?: number;
  /** Folder of the repository whose service is started; this repository by default. */
  readonly root?: string;
}

/** Starts the service as in production, with schemas of its own in the shared backends. */
export async function startService(backends: BackendProcesses, options: ServiceOptions = {}): Promise<Service> {
  const { processes = 1, root } = options;
  const prefix = freshPrefix();
  const started: ServiceProcess[] = [];
  for (let count = processes; count > 0; count -= 1) {
    const env = { OMS_DATABASE_PREFIX: prefix, ...options.env };
    started.push(
      await startServiceProcess({ endpoints: backends.endpoints, env, ...(root !== undefined && { root }) }),
    );
  }
  const [first] = started as [ServiceProcess];
  const children = started.map(({ child }) => child);
  const database = await createConnection(backends.endpoints.mysqlUrl);
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
      await resetBackends(backends, prefix);
    },
  };
}
