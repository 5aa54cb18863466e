import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Redis } from "ioredis";
import { type Connection, createConnection } from "mysql2/promise";
import { connect } from "nats";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { readConfig } from "../../../src/config/load.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { lastSequence } from "../../../src/messaging/nats/topology.ts";
import { readBackendTls } from "../../../src/server/backend-credentials.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { useFolder } from "../../support/certificates.ts";
import { type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { ON_MYSQL } from "../../support/database-engine.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useOwnMariadb, useOwnServer, useRedis } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";
import { natsWith } from "./servers.ts";

const FIRST = "first/pass@word";
const SECOND = "second:pass#word";
const WORKERS = 8;

const folder = useFolder();
const fileOf = (backend: string) => join(folder, `${backend}.password`);
/** As a mounted secret, with a line break at its end. */
const writePassword = (backend: string, password: string) => writeFileSync(fileOf(backend), `${password}\n`);
const brokerUsers = join(folder, "users.conf");
const writeBrokerUsers = (password: string) =>
  writeFileSync(brokerUsers, `authorization { user: "oms", password: "${password}" }\n`);
writeBrokerUsers(FIRST);

const mariadb = useOwnMariadb();
const redis = useRedis();
// Included files are relative to the folder of the configuration, which is beside this one.
const nats = useOwnServer(natsWith(`include "../../${basename(folder)}/users.conf"`));

let administrator: Connection;
let db: OrderDatabase;
let service: Service;
let client: OpenClient;
let orderIds: bigint[];

beforeAll(async () => {
  administrator = await createConnection(mariadb.url);
  await administrator.query("create user rotated identified by ?", [FIRST]);
  await administrator.query("grant all on *.* to rotated");
  const cache = new Redis(redis.url);
  await cache.call("acl", "setuser", "rotated", "on", `>${FIRST}`, "~*", "+@all");
  await cache.quit();
  for (const backend of ["mysql", "redis", "nats"]) {
    writePassword(backend, FIRST);
  }
  const env = {
    OMS_MYSQL_URL: `mysql://rotated@127.0.0.1:${mariadb.port}`,
    OMS_MYSQL_PASSWORD_FILE: fileOf("mysql"),
    OMS_REDIS_URL: `redis://rotated@127.0.0.1:${redis.port}`,
    OMS_REDIS_PASSWORD_FILE: fileOf("redis"),
    OMS_NATS_URL: `nats://oms@127.0.0.1:${nats.port}`,
    OMS_NATS_PASSWORD_FILE: fileOf("nats"),
  };
  const location = { url: env.OMS_MYSQL_URL, prefix: "t_" };
  db = openDatabase({ url: mariadb.url, prefix: "t_" });
  await migrate(db);
  orderIds = await Promise.all(Array.from({ length: 200 }, () => insertOrder(db, Status.CREATED)));
  service = await startService(
    location,
    { ...readBackendTls(readConfig(env)), redisUrl: env.OMS_REDIS_URL, natsUrl: env.OMS_NATS_URL },
    env,
  );
  client = TRANSPORTS.gRPC(service);
  await allConnected();
});
afterAll(async () => {
  client?.close();
  await service?.stop();
  await db?.destroy();
  await administrator?.end();
});

async function allConnected(): Promise<void> {
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${service.httpPort}/readyz`);
    expect(await response.json()).toMatchObject({ database: "ok", broker: "ok", redis: "ok" });
  });
}

/** Reads and changes orders all the time while `work` runs; no call may fail. */
async function underLoad(work: () => Promise<void>): Promise<void> {
  let running = true;
  let calls = 0;
  const failures: unknown[] = [];
  const worker = async (first: number) => {
    for (let index = first; running; index += WORKERS) {
      const orderId = orderIds[index % orderIds.length] as bigint;
      try {
        await client.client.getOrderStatus({ orderId });
        await client.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "li" });
        calls += 1;
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, index) => worker(index));
  const madeSoFar = calls;
  try {
    await work();
    await eventually(() => expect(calls).toBeGreaterThan(madeSoFar + 50));
  } finally {
    running = false;
    await Promise.all(workers);
  }
  expect(failures).toEqual([]);
}

/** Ends the service's connections to the database, which opens new ones. */
async function killDatabaseConnections(): Promise<void> {
  const [rows] = await administrator.query("select id from information_schema.processlist where user = 'rotated'");
  for (const { id } of rows as { id: number }[]) {
    await administrator.query("kill connection ?", [id]).catch(() => {});
  }
  expect(rows).not.toEqual([]);
}

test("MySQL: the new password applies to new connections, and no call fails meanwhile", async () => {
  const loginWith = (password: string) =>
    createConnection({ host: "127.0.0.1", port: mariadb.port, user: "rotated", password });
  await underLoad(async () => {
    await (ON_MYSQL
      ? administrator.query("alter user rotated identified by ? retain current password", [SECOND])
      : administrator.query(
          "alter user rotated identified via mysql_native_password using password(?) or mysql_native_password using password(?)",
          [FIRST, SECOND],
        ));
    writePassword("mysql", SECOND);
    await (ON_MYSQL
      ? administrator.query("alter user rotated discard old password")
      : administrator.query("alter user rotated identified by ?", [SECOND]));
    await expect(loginWith(FIRST)).rejects.toThrow(/denied/);
  });
  await killDatabaseConnections();
  const [orderId = 0n] = orderIds;
  await eventually(async () => {
    await client.client.getOrderStatus({ orderId });
    await client.client.updateOrderStatus({ orderId, status: OrderStatus.APPROVED, operator: "li" });
  });
  await underLoad(async () => {});
});

test("Redis: the new password applies to the next connection", async () => {
  const cache = new Redis(redis.url);
  await underLoad(async () => {
    await cache.call("acl", "setuser", "rotated", `>${SECOND}`);
    writePassword("redis", SECOND);
    await cache.call("acl", "setuser", "rotated", `<${FIRST}`);
    const reconnected = service.log.length;
    expect(await cache.call("client", "kill", "user", "rotated")).toBe(1);
    await eventually(() => expect(service.log.slice(reconnected).map(({ msg }) => msg)).toContain("Redis connected"));
  });
  await cache.quit();
  await allConnected();
});

test("NATS: the new password applies to the next connection", async () => {
  writePassword("nats", SECOND);
  await underLoad(async () => {
    const before = service.log.length;
    writeBrokerUsers(SECOND);
    // Reloads the configuration, and disconnects the clients whose credentials changed.
    process.kill(nats.pid, "SIGHUP");
    await eventually(() =>
      expect(service.log.slice(before).map(({ msg }) => msg)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^NATS (re)?connected$/)]),
      ),
    );
  });
  const servers = `127.0.0.1:${nats.port}`;
  await expect(connect({ servers, user: "oms", pass: FIRST })).rejects.toThrow(/authorization/i);
  await allConnected();
  const connection = await connect({ servers, user: "oms", pass: SECOND });
  onTestFinished(() => connection.close());
  const before = await lastSequence(connection);
  await client.client.updateOrderStatus({
    orderId: orderIds.at(-1) ?? 0n,
    status: OrderStatus.CANCELLED,
    operator: "li",
  });
  await eventually(async () => expect(await lastSequence(connection)).toBeGreaterThan(before));
});

test("a file that is missing or empty for a moment keeps the last password", () => {
  const file = fileOf("replaced");
  writePassword("replaced", FIRST);
  const { mysqlPassword = () => "" } = readBackendTls(
    readConfig({ OMS_MYSQL_URL: "mysql://u@h:1", OMS_MYSQL_PASSWORD_FILE: file }),
  );
  expect(mysqlPassword()).toBe(FIRST);
  writeFileSync(file, "");
  expect(mysqlPassword()).toBe(FIRST);
  writePassword("replaced", SECOND);
  expect(mysqlPassword()).toBe(SECOND);
});

test.each(["", "missing"])("an unusable file is a startup error: %j", (name) => {
  const file = join(folder, name || "empty");
  if (name === "") {
    writeFileSync(file, "\n");
  }
  const config = readConfig({ OMS_NATS_URL: "nats://oms@h:1", OMS_NATS_PASSWORD_FILE: file });
  expect(() => readBackendTls(config)).toThrow(`OMS_NATS_PASSWORD_FILE="${file}" cannot be read: `);
});
