import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { forEachSystem, systemVariables } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { startProcess } from "../../e2e/crash/process.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb, useNats, useRedis } from "../../support/servers.ts";
import { useCollector } from "./collector.ts";
import { useHttpRecorder } from "./http-recorder.ts";

const location = useMariadb();
const nats = useNats();
const redis = useRedis();
const systems = useHttpRecorder();
const collector = useCollector();
const db = openDatabase(location);

beforeAll(async () => {
  await migrate(db);
});
afterAll(() => db.destroy());

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/**
 * Runs the service as a process and delivers a recharge card. Returns the modules it loaded, and
 * the request its mail service received.
 */
async function deliverCard(env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), "oms-modules-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const list = join(folder, "modules");
  const { url } = systems;
  const service = await startProcess({
    OMS_MYSQL_URL: location.url,
    OMS_DATABASE_PREFIX: location.prefix,
    OMS_NATS_URL: nats.url,
    OMS_REDIS_URL: redis.url,
    ...systemVariables(forEachSystem((name) => `${url}/${name}`)),
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "list-modules.mjs")}`,
    TEST_MODULES: list,
    ...env,
  });
  onTestFinished(() => service.kill("SIGKILL"));
  const call = async (rpc: string, request: object) => {
    const answer = await fetch(`${service.http}/oms.${rpc}`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: TRACEPARENT },
      body: JSON.stringify(request),
    });
    return answer.json() as Promise<{ readonly orderId: string }>;
  };
  const lines = [{ skuId: "1", quantity: 1 }];
  const card = { orderSource: 1000, orderType: 31, rechargeAccount: "1", lines, operator: "shop" };
  const { orderId } = await call("fulfilment.v1.FulfilmentService/SubmitOrder", card);
  for (const status of ["PAID", "DELIVERED"]) {
    const update = { orderId, status: `ORDER_STATUS_${status}`, operator: "card" };
    await call("orderstatus.v1.OrderStatusService/UpdateOrderStatus", update);
  }
  const mail = await eventually(() => {
    const found = systems.requests.find(({ headers }) => headers["idempotency-key"] === `${orderId}-3`);
    expect(found).toBeDefined();
    return found;
  });
  await service.kill("SIGTERM");
  const modules = (await readFile(list, "utf8")).split("\n");
  return { own: modules.filter(isOwn), sdk: modules.filter(isSdk), headers: mail?.headers ?? {} };
}

const isOwn = (module: string) => /\/src\/observability\/otel\.ts$/.test(module);

/** The API package is always loaded, by the metrics library. */
const isSdk = (module: string) => /\/@opentelemetry\/(?!api\/)/.test(module);

test("without a collector the SDK is not loaded, and external systems receive no trace", async () => {
  const { own, sdk, headers } = await deliverCard({});
  expect(own).toEqual([]);
  expect(sdk).toEqual([]);
  expect(headers).not.toHaveProperty("traceparent");
});

test("the SDK is not loaded if it is disabled", async () => {
  const { sdk, headers } = await deliverCard({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SDK_DISABLED: "true",
  });
  expect(sdk).toEqual([]);
  expect(headers).not.toHaveProperty("traceparent");
});

test("with a collector the standard variables configure the exporter", async () => {
  const { sdk } = await deliverCard({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: "x-token=secret",
    OTEL_SERVICE_NAME: "oms-of-the-test",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
  expect(sdk).not.toEqual([]);
  const [first] = collector.requests;
  expect(first?.path).toBe("/v1/traces");
  expect(first?.headers).toMatchObject({ "x-token": "secret", "content-type": "application/x-protobuf" });
  const [span] = collector.spansOf(TRACEPARENT.slice(3, 35));
  expect(span?.resource).toMatchObject({
    "service.name": "oms-of-the-test",
    "deployment.environment.name": "test",
  });
});
