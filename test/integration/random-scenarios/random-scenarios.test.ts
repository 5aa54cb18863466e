import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FulfilmentService } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { systemVariables } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { type ServiceProcess, startProcess } from "../../e2e/crash/process.ts";
import type { Clients } from "../../support/clients.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { expectSame, type RealScenario, scenarios } from "./commands.ts";
import { type ModelScenario, newScenario } from "./model.ts";

const SCENARIOS = Number(process.env.OMS_TEST_SCENARIOS ?? 300);
const SEED = Number(process.env.OMS_TEST_SEED ?? randomInt(2 ** 31));
const CONCURRENCY = 60;
/** How often the service is killed and restarted during the run. */
const KILLS = 3;
/**
 * Lease of an attempt, in milliseconds. An attempt ends with 0.6 of it: on a busy machine, with all
 * scenarios at once, a shorter one would end attempts that only wait for the processor, again and
 * again. After a kill, the attempts in progress are repeated when it ends.
 */
const LEASE_MS = 10_000;
const TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 300_000;

const location = useMariadb();
const nats = useNats();
const redis = useRedis();
const stubSystems = useStubSystems();
let service: ServiceProcess | undefined;
let clients: Clients | undefined;

async function start(): Promise<void> {
  service = await startProcess({
    OMS_MYSQL_URL: location.url,
    OMS_DATABASE_PREFIX: location.prefix,
    OMS_NATS_URL: nats.url,
    OMS_REDIS_URL: redis.url,
    ...systemVariables(stubSystems.urls),
    OMS_LEDGER_SWEEP_DELAY_MS: "1500",
    OMS_LEASE_MS: String(LEASE_MS),
    OMS_ACTION_POLL_MS: "50",
    OMS_RETRY_BASE_MS: "50",
    OMS_RETRY_CAP_MS: "300",
    OMS_MAX_ATTEMPTS: "1000",
    OMS_LOG_LEVEL: "info",
  });
  const transport = createConnectTransport({ baseUrl: service.http, httpVersion: "1.1" });
  clients = {
    client: createClient(OrderStatusService, transport),
    fulfilment: createClient(FulfilmentService, transport),
    reversal: createClient(OrderReversalService, transport),
    actions: createClient(ActionService, transport),
    shadow: createClient(ShadowService, transport),
  };
}

beforeAll(async () => {
  const db = openDatabase(location);
  await migrate(db);
  await db.destroy();
  await start();
});
afterAll(() => service?.kill("SIGKILL"));

/** Codes of calls while the server is restarted. */
const RETRIED_CODES: readonly Code[] = [
  Code.Unavailable,
  Code.Unknown,
  Code.Internal,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Canceled,
];

async function call<T>(work: (clients: Clients) => Promise<T>): Promise<T> {
  for (const until = Date.now() + TIMEOUT_MS; ; ) {
    try {
      return await work(clients as Clients);
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      if (!RETRIED_CODES.includes(code) || rawMessage.includes("internal error; call") || Date.now() > until) {
        throw error;
      }
      await delay(100);
    }
  }
}

const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 100 });

/** Submits an order; every sixth has two warehouses. */
async function submit(index: number): Promise<{ model: ModelScenario; real: RealScenario }> {
  const warehouses = index % 6 === 0 ? 2 : 1;
  const lines = Array.from({ length: warehouses }, (_, at) => ({
    skuId: 1n,
    quantity: 2,
    warehouseId: BigInt(at + 1),
  }));
  const request = { orderSource: 1000, orderType: 1, lines, operator: "model", requestId: randomUUID() };
  const { orderId } = await call(({ fulfilment }) => fulfilment.submitOrder(request));
  return {
    model: newScenario(warehouses, 2 * warehouses),
    real: { orderId, call, setRule: stubSystems.control, eventually },
  };
}

test(`${SCENARIOS} random scenarios match the model, across ${KILLS} kills of the service`, {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const generated = fc.sample(scenarios, { numRuns: SCENARIOS, seed: SEED });
  const ended: { model: ModelScenario; real: RealScenario }[] = [];
  const pending = generated.entries();
  const runNext = async () => {
    for (const [index, commands] of pending) {
      const scenario = await submit(index);
      try {
        await fc.asyncModelRun(() => scenario, commands as Parameters<typeof fc.asyncModelRun>[1]);
      } catch (error) {
        const { orderId } = scenario.real;
        const { summary } = await call(({ client }) => client.explainOrder({ orderId }));
        const seed = `OMS_TEST_SEED=${SEED} OMS_TEST_SCENARIOS=${SCENARIOS}`;
        throw new Error(`scenario ${index} of ${seed}, order ${orderId}: ${String(commands)}; ${summary}`, {
          cause: error,
        });
      }
      ended.push(scenario);
    }
  };
  let running = true;
  const kill = async () => {
    for (let kills = 0; kills < KILLS && running; kills += 1) {
      const before = ended.length;
      await vi.waitUntil(() => !running || ended.length >= before + SCENARIOS / (KILLS + 2), {
        timeout: TEST_TIMEOUT_MS,
        interval: 20,
      });
      await service?.kill("SIGKILL");
      await start();
    }
  };
  const runAll = () =>
    Promise.all(Array.from({ length: CONCURRENCY }, runNext)).finally(() => {
      running = false;
    });
  await Promise.all([runAll(), kill()]);
  expect(ended).toHaveLength(SCENARIOS);

  // The end states are stable, and the history and the stub systems agree with them.
  for (const { model, real } of ended) {
    await expectSame(model, real);
    const { orderId } = real;
    const { entries } = await call(({ client }) => client.listStatusHistory({ orderId, pageSize: 1_000 }));
    const applied = entries.filter(({ outcome }) => outcome === 1);
    expect(applied.map(({ version }) => Number(version))).toEqual(applied.map((_, index) => index + 1));
    expect(applied.at(-1)?.toStatus).toBe(model.status);
    for (const system of ["erp/allocate", "wms/dispatch"]) {
      const { received } = await stubSystems.received({ system, orderId: String(orderId) });
      const due = applied.some(({ toStatus }) => toStatus === (system === "erp/allocate" ? 2010 : 2020));
      expect(received.filter(({ done }) => done)).toHaveLength(due ? 1 : 0);
    }
  }
});
