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

const LIVES = Number(process.env.OMS_TEST_LIVES ?? 300);
const SEED = Number(process.env.OMS_TEST_SEED ?? randomInt(2 ** 31));
const AT_ONCE = 60;
/** The service is killed, and started again, so often during the run. */
const KILLS = 3;
const PATIENCE_MS = 60_000;

const location = useMariadb();
const nats = useNats();
const redis = useRedis();
const neighbours = useStubSystems();
let service: ServiceProcess | undefined;
let clients: Clients | undefined;

async function start(): Promise<void> {
  service = await startProcess({
    OMS_MYSQL_URL: location.url,
    OMS_DATABASE_PREFIX: location.prefix,
    OMS_NATS_URL: nats.url,
    OMS_REDIS_URL: redis.url,
    ...systemVariables(neighbours.urls),
    OMS_LEDGER_SWEEP_DELAY_MS: "1500",
    OMS_LEASE_MS: "1500",
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

/** What a call may fail with while the server is away. */
const AWAY: readonly Code[] = [
  Code.Unavailable,
  Code.Unknown,
  Code.Internal,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Canceled,
];

async function call<T>(work: (clients: Clients) => Promise<T>): Promise<T> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    try {
      return await work(clients as Clients);
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      if (!AWAY.includes(code) || rawMessage.includes("internal error; call") || Date.now() > until) {
        throw error;
      }
      await delay(100);
    }
  }
}

const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: PATIENCE_MS, interval: 50 });

/** Two warehouses in one of six. */
async function begin(index: number): Promise<{ model: ModelScenario; real: RealScenario }> {
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
    real: { orderId, call, tellNeighbours: neighbours.control, eventually },
  };
}

test(`${LIVES} random lives are what the model says, across ${KILLS} kills of the service`, {
  timeout: 170_000,
}, async () => {
  const drawn = fc.sample(scenarios, { numRuns: LIVES, seed: SEED });
  const ended: { model: ModelScenario; real: RealScenario }[] = [];
  const waiting = drawn.entries();
  const liveNext = async () => {
    for (const [index, commands] of waiting) {
      const life = await begin(index);
      try {
        await fc.asyncModelRun(() => life, commands as Parameters<typeof fc.asyncModelRun>[1]);
      } catch (error) {
        throw new Error(
          `life ${index} of OMS_TEST_SEED=${SEED} OMS_TEST_LIVES=${LIVES}, order ${life.real.orderId}: ${String(commands)}`,
          { cause: error },
        );
      }
      ended.push(life);
    }
  };
  let living = true;
  const kill = async () => {
    for (let kills = 0; kills < KILLS && living; kills += 1) {
      const before = ended.length;
      await vi.waitUntil(() => !living || ended.length >= before + LIVES / (KILLS + 2), {
        timeout: PATIENCE_MS,
        interval: 20,
      });
      await service?.kill("SIGKILL");
      await start();
    }
  };
  const killing = kill();
  await Promise.all(Array.from({ length: AT_ONCE }, liveNext)).finally(() => {
    living = false;
  });
  await killing;
  expect(ended).toHaveLength(LIVES);

  // What the flow should have left alone it still leaves alone; and the history tells the same story.
  for (const { model, real } of ended) {
    await expectSame(model, real);
    const { orderId } = real;
    const { entries } = await call(({ client }) => client.listStatusHistory({ orderId, pageSize: 1_000 }));
    const applied = entries.filter(({ outcome }) => outcome === 1);
    expect(applied.map(({ version }) => Number(version))).toEqual(applied.map((_, index) => index + 1));
    expect(applied.at(-1)?.toStatus).toBe(model.status);
    for (const system of ["erp/allocate", "wms/dispatch"]) {
      const { received } = await neighbours.received({ system, orderId: String(orderId) });
      const due = applied.some(({ toStatus }) => toStatus === (system === "erp/allocate" ? 2010 : 2020));
      expect(received.filter(({ done }) => done)).toHaveLength(due ? 1 : 0);
    }
  }
});
