import { Agent, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { systemVariables } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { createConnection } from "../../../tools/client/index.ts";
import { choosePort } from "../../../tools/devstack/ports.ts";
import { chooseServicePorts, type ServiceProcess, startServiceProcess } from "../../../tools/testkit/service.ts";
import { insertOrder } from "../../support/orders.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { expectProxies, startProxy, useProxies } from "./proxy-process.ts";

/** Three servers behind HAProxy, with the configuration of deploy/. */

const CONFIGURATION = join(import.meta.dirname, "../../../deploy/haproxy/haproxy.cfg");
const NAMES = ["A", "B", "C"] as const;

/** Clients of each protocol that call at the same time. */
const CLIENTS = 8;

/** More than HAProxy takes to notice, with time for a busy machine. */
const DRAIN_DELAY_MS = 3_000;

const { url, prefix } = useMariadb();
const nats = useNats();
const redis = useRedis();
const stubSystems = useStubSystems();
useProxies();

const servers = new Map<
  string,
  { readonly ports: { readonly grpc: number; readonly http: number }; process: ServiceProcess }
>();
let orderId = 0n;
let grpcPort = 0;
let httpPort = 0;

const startServer = (ports: { readonly grpc: number; readonly http: number }) =>
  startServiceProcess({
    endpoints: { mysqlUrl: url, natsUrl: nats.url, redisUrl: redis.url, systemUrls: stubSystems.urls },
    env: {
      ...systemVariables(stubSystems.urls),
      OMS_DATABASE_PREFIX: prefix,
      OMS_DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
    },
    ports,
  });

beforeAll(async () => {
  expectProxies();
  const db = openDatabase({ url, prefix });
  await migrate(db);
  orderId = await insertOrder(db, Status.PICKING);
  await db.destroy();
  const env: Record<string, string> = {};
  for (const name of NAMES) {
    const ports = await chooseServicePorts();
    servers.set(name, { ports, process: await startServer(ports) });
    env[`OMS_${name}_HOST`] = "127.0.0.1";
    env[`OMS_${name}_GRPC_PORT`] = String(ports.grpc);
    env[`OMS_${name}_HTTP_PORT`] = String(ports.http);
  }
  grpcPort = await choosePort();
  httpPort = await choosePort();
  await startProxy("/usr/sbin/haproxy", ["-db", "-f", CONFIGURATION], httpPort, {
    ...env,
    OMS_LB_GRPC: `127.0.0.1:${grpcPort}`,
    OMS_LB_HTTP: `127.0.0.1:${httpPort}`,
  });
}, 120_000);

afterAll(async () => {
  await Promise.all([...servers.values()].map(({ process: { child } }) => child.stop()));
}, 60_000);

/** Calls in sequence until `stop`. */
function startCalls(call: () => Promise<unknown>): { stop(): Promise<{ calls: number; failures: string[] }> } {
  const failures: string[] = [];
  let calls = 0;
  let stopping = false;
  const client = async () => {
    while (!stopping) {
      calls += 1;
      await call().catch((error: unknown) => failures.push(String(error)));
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    async stop() {
      stopping = true;
      await Promise.all(clients);
      return { calls, failures };
    },
  };
}

test("three servers restarted in turn under load: no call fails", { timeout: 180_000 }, async () => {
  const connection = createConnection(`127.0.0.1:${grpcPort}`);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const overHttp = async () => {
    const call = request({
      ...{ agent, host: "127.0.0.1", port: httpPort, method: "POST" },
      path: "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus",
      headers: { "content-type": "application/json" },
    });
    const answer = new Promise<string>((resolve, reject) => {
      call.once("error", reject);
      call.once("response", (response) =>
        text(response).then((body) => (response.statusCode === 200 ? resolve(body) : reject(new Error(body))), reject),
      );
    });
    call.end(JSON.stringify({ orderId: String(orderId) }));
    return answer;
  };
  const loads = {
    gRPC: startCalls(() => connection.orderStatus.getOrderStatus({ orderId })),
    HTTP: startCalls(overHttp),
  };

  for (const server of servers.values()) {
    await server.process.child.stop();
    server.process = await startServer(server.ports);
    // Until HAProxy sends it calls again.
    await new Promise((resolve) => setTimeout(resolve, DRAIN_DELAY_MS));
  }

  for (const [protocol, load] of Object.entries(loads)) {
    const { calls, failures } = await load.stop();
    expect(failures, `${protocol}: ${failures.length} of ${calls} calls failed`).toEqual([]);
    expect(calls).toBeGreaterThan(500);
  }
  connection.close();
  agent.destroy();
});
