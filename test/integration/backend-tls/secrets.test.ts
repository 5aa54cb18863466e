import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { forEachSystem, systemVariables } from "../../../src/integrations/systems.ts";
import { oms } from "../../e2e/cli/oms.ts";
import { useFolder } from "../../support/certificates.ts";
import { useOwnMariadb, useOwnServer, useRedis } from "../../support/servers.ts";
import { natsWith } from "./servers.ts";

const MAIN = join(import.meta.dirname, "../../../src/main.ts");

/** In every password and token here, plain and as encoded in a URL. */
const SECRET = /hunter2|aHVudGVy|aHVudDJ/i;

const folder = useFolder();
const mariadb = useOwnMariadb();
const redis = useRedis();
const nats = useOwnServer(natsWith('authorization { user: "oms", password: "hunter2-nats" }'));
const mysqlUrl = (password: string) => `mysql://oms:${encodeURIComponent(password)}@127.0.0.1:${mariadb.port}`;

beforeAll(async () => {
  const root = await createConnection(mariadb.url);
  await root.query("create user oms@'%' identified by 'hunter2/my@sql'");
  await root.query("grant all on *.* to oms@'%'");
  await root.end();
});

/** Starts the service as a process, and collects its output. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...{ PATH: process.env.PATH, OMS_GRPC_PORT: "0", OMS_HTTP_PORT: "0", OMS_LOG_LEVEL: "trace" },
      ...{ OMS_RETRY_BASE_MS: "50", OMS_MAX_ATTEMPTS: "2", OMS_DATA_DIR: join(folder, "data") },
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => {
      output.text += bytes;
    });
  }
  const exited = once(child, "close");
  const prints = (words: RegExp) =>
    vi.waitFor(() => expect(output.text).toMatch(words), { timeout: 25_000, interval: 50 });
  return { child, output, exited, prints };
}

/** The command lines of all processes, which every user of the machine can read. */
const commandLines = () => execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });

/** A system that rejects everything, and the headers it received. */
async function refusing() {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(503).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, authorizations };
}

/** Secrets wherever a URL can have one. */
async function secretsEverywhere() {
  const { port, authorizations } = await refusing();
  const externalSystem = (path: string) => `http://oms:hunter2-http@127.0.0.1:${port}/${path}?token=hunter2-query`;
  const env = {
    OMS_MYSQL_URL: mysqlUrl("hunter2/my@sql"),
    OMS_REDIS_URL: `redis://oms:hunter2-redis@127.0.0.1:${redis.port}`,
    OMS_NATS_URL: `nats://oms:hunter2-wrong@127.0.0.1:${nats.port}`,
    ...systemVariables(forEachSystem(externalSystem)),
    OMS_SHADOW_URL: `http://oms:hunter2-http@127.0.0.1:${port}/oms`,
    OMS_LEGACY_CALLERS: JSON.stringify({ wms: { tokenSha256: ["ab".repeat(32)] } }),
  };
  return { env, authorizations };
}

test("a service with secrets in every URL, all of which are rejected, logs and shows none", async () => {
  const { env, authorizations } = await secretsEverywhere();
  const { child, output, exited, prints } = start({
    ...env,
    OMS_LEDGER_SWEEP_DELAY_MS: "100",
    OMS_ACTION_POLL_MS: "50",
  });
  await prints(/"msg":"listening"/);
  // Broker and Redis reject the credentials.
  await prints(/rejected the credentials.*OMS_NATS_URL/);
  await prints(/rejected the credentials.*OMS_REDIS_URL/);
  const port = /"http":(\d+)/.exec(output.text)?.[1];
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;
  const call = async (rpc: string, request: object) => {
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(request) };
    return (await (await fetch(at(`/oms.${rpc}`), options)).json()) as Record<string, string>;
  };
  const lines = [{ skuId: "1", quantity: 1, warehouseId: "1" }];
  const submit = { orderSource: 1000, orderType: 1, lines, operator: "shop" };
  const { orderId = "" } = await call("fulfilment.v1.FulfilmentService/SubmitOrder", submit);
  const paid = { orderId, status: "ORDER_STATUS_PAID", operator: "pay" };
  await call("orderstatus.v1.OrderStatusService/UpdateOrderStatus", paid);
  await vi.waitFor(
    () => expect(authorizations).toContain(`Basic ${Buffer.from("oms:hunter2-http").toString("base64")}`),
    {
      timeout: 25_000,
    },
  );
  await fetch(at(`/services/orderStatus/getOrderStatus?orderId=${orderId}`));
  await prints(/request to external system failed/);
  const flow = await call("fulfilment.v1.FulfilmentService/GetOrderFlow", { orderId });
  const pages = await Promise.all(["/readyz", "/metrics", "/"].map(async (path) => (await fetch(at(path))).text()));
  expect(commandLines()).not.toMatch(SECRET);
  child.kill("SIGTERM");
  await exited;
  expect(output.text.length).toBeGreaterThan(1_000);
  expect(`${output.text}${JSON.stringify(flow)}${pages.join("")}`).not.toMatch(SECRET);
});

test.each([
  ["a wrong password", () => ({ OMS_MYSQL_URL: mysqlUrl("hunter2-wrong") }), /rejected the credentials.*OMS_MYSQL_URL/],
  [
    "an unreachable server",
    () => ({ OMS_MYSQL_URL: "mysql://oms:hunter2@127.0.0.1:1" }),
    /is unreachable.*ECONNREFUSED/,
  ],
  ["an unknown host", () => ({ OMS_MYSQL_URL: "mysql://oms:hunter2@nowhere.invalid" }), /OMS_MYSQL_URL/],
  ["an invalid URL", () => ({ OMS_MYSQL_URL: "oms:hunter2@host/db" }), /OMS_MYSQL_URL=.* is invalid/],
  [
    "an invalid CA file",
    () => ({ OMS_MYSQL_URL: "mysql://o:hunter2@h", OMS_MYSQL_CA_FILE: MAIN }),
    /OMS_MYSQL_CA_FILE=.* is invalid/,
  ],
  [
    "a missing CA file",
    () => ({ OMS_NATS_URL: "nats://hunter2@h", OMS_NATS_CA_FILE: "none.pem" }),
    /OMS_NATS_CA_FILE="none.pem" cannot be read/,
  ],
  ["a port in use", () => ({ OMS_HTTP_PORT: String(mariadb.port) }), /Port \d+ is in use/],
])("a startup error shows no secret: %s", async (_, fault, words) => {
  const { env } = await secretsEverywhere();
  const { child, output, exited, prints } = start({ ...env, ...fault() });
  await exited;
  await prints(words);
  expect(child.exitCode).toBe(1);
  expect(output.text).not.toMatch(SECRET);
});

test("nor does the startup error of a migration", async () => {
  const { child, output, exited, prints } = start({ OMS_MYSQL_URL: mysqlUrl("hunter2-wrong"), OMS_ROLE: "migrate" });
  await exited;
  await prints(/rejected the credentials.*OMS_MYSQL_URL/);
  expect(child.exitCode).toBe(1);
  expect(output.text).not.toMatch(SECRET);
});

test("the command lines of the embedded servers contain no secret", async () => {
  const { env } = await secretsEverywhere();
  const { OMS_MYSQL_URL: _, OMS_REDIS_URL: __, OMS_NATS_URL: ___, ...stubSystems } = env;
  const { child, output, exited, prints } = start({ ...stubSystems, OMS_TOKEN: "hunter2-token" });
  await prints(/"msg":"listening"/);
  expect(commandLines()).toContain(join(folder, "data"));
  expect(commandLines()).not.toMatch(SECRET);
  child.kill("SIGTERM");
  await exited;
  expect(output.text).not.toMatch(SECRET);
});

test.each(["--help", "events tail", "actions", "events tail --help"])("npx oms %s shows no secret", async (command) => {
  const env = { OMS_NATS_URL: "nats://oms:hunter2@127.0.0.1:1", OMS_TOKEN: "hunter2-token", OMS_SERVER: "127.0.0.1:1" };
  const { stdout, stderr } = await oms(command.split(" "), { env });
  expect(`${stdout}${stderr}`.length).toBeGreaterThan(50);
  expect(`${stdout}${stderr}`).not.toMatch(SECRET);
});
