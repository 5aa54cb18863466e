import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { readConfig } from "../../../src/config/load.ts";
import { describeStartupError } from "../../../src/server/startup-errors.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase, SCHEMAS } from "../../../src/store/mysql/database.ts";
import { MigrationPermissionError } from "../../../src/store/mysql/errors.ts";
import { migrationGrants, serviceGrants } from "../../../src/store/users/grants.ts";
import { type Clients, type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { ON_MYSQL } from "../../support/database-engine.ts";
import { eventually } from "../../support/eventually.ts";
import { useOwnMariadb, useOwnServer, useRedis, useStubSystems } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";
import { FULL_COVERAGE } from "../contract/api.ts";
import { actionTests } from "../contract/contract-actions.ts";
import { cancelTests } from "../contract/contract-cancels.ts";
import { changeTests } from "../contract/contract-changes.ts";
import { fulfilmentTests } from "../contract/contract-fulfilment.ts";
import { readTests } from "../contract/contract-reads.ts";
import { reportTests } from "../contract/contract-reports.ts";
import { verdictTests } from "../contract/contract-verdicts.ts";
import { watchTests } from "../contract/contract-watch.ts";
import { pay, reachesStatus, submit } from "../flows/harness.ts";
import { countRows, daysAgo, insertPast, insertRequest } from "../retention/fixture.ts";
import { natsWithFile } from "./servers.ts";

const DEPLOY = join(import.meta.dirname, "../../../deploy");
const read = (file: string) => readFileSync(join(DEPLOY, file), "utf8");
const PASSWORDS = {
  oms_migrate: "secret-of-migrate",
  oms_service: "secret-of-service",
  oms_retention: "secret-of-retention",
};
type User = keyof typeof PASSWORDS;

const mariadb = useOwnMariadb();
const redis = useRedis();
const stubSystems = useStubSystems();
const nats = useOwnServer(
  natsWithFile(read("nats/accounts.conf"), {
    OMS_NATS_PASSWORD: "secret-of-oms",
    LOYALTY_NATS_PASSWORD: "x",
    ADMIN_NATS_PASSWORD: "x",
  }),
);
const urlOf = (user: User) => `mysql://${user}:${PASSWORDS[user]}@127.0.0.1:${mariadb.port}`;

let administrator: Connection;
let db: OrderDatabase;
let startupError = "";

/** Runs an SQL file as the database's administrator. */
async function run(file: string): Promise<void> {
  const text = read(file)
    .replace("CHANGE_ME_MIGRATE", PASSWORDS.oms_migrate)
    .replace("CHANGE_ME_SERVICE", PASSWORDS.oms_service)
    .replace("CHANGE_ME_RETENTION", PASSWORDS.oms_retention);
  await administrator.query(text);
}

/** The startup error of the service. */
async function startupErrorAs(user: User): Promise<string> {
  const db = openDatabase({ url: urlOf(user) });
  try {
    const error = await migrate(db).catch((failed: unknown) => failed);
    expect(error).toBeInstanceOf(MigrationPermissionError);
    return describeStartupError(error, readConfig({ OMS_MYSQL_URL: urlOf(user) }));
  } finally {
    await db.destroy();
  }
}

beforeAll(async () => {
  administrator = await createConnection({ uri: mariadb.url, multipleStatements: true });
  // Those of the embedded server.
  await administrator.query("drop user oms_migrate, oms_service, oms_retention");
  await run("mysql/users.sql");
  startupError = await startupErrorAs("oms_service");
  const migrating = openDatabase({ url: urlOf("oms_migrate") });
  await migrate(migrating);
  await migrating.destroy();
  await run("mysql/grants.sql");
  // Repeated, as after each new version.
  await run("mysql/users.sql");
  await run("mysql/grants.sql");
  db = openDatabase({ url: mariadb.url });
});
afterAll(async () => {
  await db?.destroy();
  await administrator?.end();
});

test("before the migration the startup error asks for another user", async () => {
  expect(startupError).toMatch(/not up to date.*001-old-tables.*may not alter tables/);
  expect(startupError).toContain("OMS_ROLE=migrate");
  expect(startupError).not.toContain("secret");
});

test("and again once a new version needs more", async () => {
  await administrator.query("delete from oms_db.oms_migration where name = '009-shadow'");
  await administrator.query("alter table oms_db.oms_shadow_total drop column last_time");
  expect(await startupErrorAs("oms_service")).toMatch(/pending migrations: 009-shadow\).*deploy\/mysql/s);
  const migrating = openDatabase({ url: urlOf("oms_migrate") });
  onTestFinished(() => migrating.destroy());
  expect((await migrate(migrating)).applied).toEqual(["009-shadow"]);
});

describe("as oms_service, every operation works", () => {
  let service: Service;
  let clients: OpenClient;
  beforeAll(async () => {
    service = await startService({ url: urlOf("oms_service"), prefix: "" }, {}, { OMS_WATCH_HEARTBEAT_MS: "300" });
    clients = TRANSPORTS.gRPC(service);
  });
  afterAll(async () => {
    clients?.close();
    await service?.stop();
    expect(service.log.filter((line) => /denied/.test(JSON.stringify(line)))).toEqual([]);
  });
  const it = {
    ...FULL_COVERAGE,
    get client() {
      return clients.client;
    },
    get reversal() {
      return clients.reversal;
    },
    get fulfilment() {
      return clients.fulfilment;
    },
    get actions() {
      return clients.actions;
    },
    get db() {
      return db;
    },
  };
  verdictTests(it);
  reportTests(it);
  cancelTests(it);
  readTests(it);
  changeTests(it);
  watchTests(it);
  fulfilmentTests(it);
  actionTests(it);
});

describe("as oms_service, with the broker's user oms, flows and jobs work", () => {
  let service: Service;
  let clients: Clients & { close(): void };
  beforeAll(async () => {
    service = await startService(
      { url: urlOf("oms_service"), prefix: "" },
      {
        retentionMysqlUrl: urlOf("oms_retention"),
        redisUrl: redis.url,
        natsUrl: `nats://oms:secret-of-oms@127.0.0.1:${nats.port}`,
        systemUrls: stubSystems.urls,
      },
      {
        OMS_ROLE: "all",
        OMS_ACTION_POLL_MS: "50",
        OMS_OUTBOX_RETENTION_MS: "50",
        OMS_OUTBOX_SWEEP_MS: "50",
        OMS_HISTORY_RETENTION_DAYS: "1",
        OMS_REQUEST_LOG_RETENTION_DAYS: "1",
        OMS_RETENTION_INTERVAL_MS: "50",
      },
    );
    clients = TRANSPORTS.gRPC(service);
  });
  afterAll(async () => {
    clients?.close();
    await service?.stop();
    const denials = service.log.filter((line) => /denied|violation/i.test(JSON.stringify(line)));
    expect(denials).toEqual([]);
  });

  test("an order is carried from its submission to its delivery", async () => {
    const orderId = await submit(clients);
    await pay(clients, orderId);
    await reachesStatus(clients, orderId, OrderStatus.WMS_DISPATCHED);
    for (const status of [OrderStatus.HANDED_OVER, OrderStatus.DELIVERED]) {
      await clients.client.updateOrderStatus({ orderId, status, operator: "wms" });
    }
    await eventually(async () => {
      expect(await openRunsOf(orderId)).toBe(0);
    });
    const settled = await db
      .selectFrom("oms_db.oms_order_status_rule")
      .select("order_id")
      .where("order_id", "=", orderId)
      .execute();
    expect(settled).toHaveLength(1);
  });

  test("an allocated order is cancelled", async () => {
    const orderId = await submit(clients);
    await pay(clients, orderId);
    await reachesStatus(clients, orderId, OrderStatus.WMS_DISPATCHED);
    await clients.reversal.requestCancel({ orderId, reason: "changed his mind", operator: "li" });
    await reachesStatus(clients, orderId, OrderStatus.CANCELLED);
  });

  test("an order is split", async () => {
    const orderId = await submit(clients, { warehouses: [1n, 2n] });
    await pay(clients, orderId);
    await reachesStatus(clients, orderId, OrderStatus.SPLIT);
  });

  test("retention deletes old rows", async () => {
    const orderId = await insertPast(db);
    await insertRequest(db, `expired-${orderId}`, orderId, await daysAgo(db, 41));
    await eventually(async () => {
      const { history, ledger, requests } = await countRows(db, orderId);
      expect([history, ledger, requests]).toEqual([0, 0, 0]);
    });
  });
});

describe("oms_service cannot", () => {
  test.each([
    "create table oms_db.mine (id int)",
    "create database mine",
    "alter table oms_db.oms_order_main add column mine int",
    "drop table oms_db.oms_order_main",
    "truncate table oms_db.oms_outbox",
    "create index mine on oms_db.oms_order_main (order_type)",
    "delete from oms_db.oms_order_main",
    "delete from oms_db.oms_order_status",
    "update oms_db.oms_status_history set operator = 'x'",
    "delete from oms_db.oms_intervention",
    "delete from oms_db.oms_status_history",
    "delete from oms_db.oms_request",
    "delete from oms_db.oms_request_log",
    "delete from oms_db.oms_action_ledger",
    "update oms_db.oms_request_log set caller = 'x'",
    "insert into oms_db.oms_migration (name, applied_time) values ('x', now())",
    `select * from mysql.${ON_MYSQL ? "user" : "global_priv"}`,
    "grant select on oms_db.oms_order_main to oms_migrate",
    "set global innodb_lock_wait_timeout = 1",
    "select * from oms_db.oms_order_main into outfile 'mine'",
  ])("%s", async (statement) => {
    const connection = await createConnection(urlOf("oms_service"));
    onTestFinished(() => connection.destroy());
    await expect(connection.query(statement)).rejects.toThrow(/denied/);
  });

  test("see any other database", async () => {
    const connection = await createConnection(urlOf("oms_service"));
    onTestFinished(() => connection.destroy());
    const [rows] = await connection.query("show databases");
    const names = (rows as { Database: string }[]).map(({ Database }) => Database.toLowerCase());
    const visibleToAll = ["information_schema", ...(ON_MYSQL ? ["performance_schema"] : [])];
    expect(names.toSorted()).toEqual([...SCHEMAS, ...visibleToAll].toSorted());
  });
});

describe("oms_retention cannot", () => {
  test.each([
    "delete from oms_db.oms_order_main",
    "delete from oms_db.oms_order_status",
    "update oms_db.oms_order_status set order_status = 6010",
    "delete from oms_db.oms_outbox",
    "delete from oms_db.oms_intervention",
    "update oms_db.oms_status_history set operator = 'x'",
    "insert into oms_db.oms_status_history (order_id) values (1)",
    "select * from oms_db.oms_order_invoice",
    "drop table oms_db.oms_status_history",
    "truncate table oms_db.oms_request_log",
  ])("%s", async (statement) => {
    const connection = await createConnection(urlOf("oms_retention"));
    onTestFinished(() => connection.destroy());
    await expect(connection.query(statement)).rejects.toThrow(/denied/);
  });
});

describe("the start fails, and names what is missing,", () => {
  /** The startup error of a server with retention, and this further configuration. */
  async function startupErrorWith(
    env: Record<string, string>,
    endpoints: { readonly retentionMysqlUrl?: string } = {},
  ): Promise<string> {
    const started = startService(
      { url: urlOf("oms_service"), prefix: "" },
      { systemUrls: stubSystems.urls, ...endpoints },
      { OMS_ROLE: "all", OMS_MYSQL_URL: urlOf("oms_service"), ...env },
    );
    const error = await started.then(
      (server) => server.stop().then(() => new Error("it started")),
      (failed: unknown) => failed,
    );
    return describeStartupError(error, readConfig({ OMS_MYSQL_URL: urlOf("oms_service"), ...env }));
  }

  test("without a user for retention", async () => {
    const message = await startupErrorWith({ OMS_REQUEST_LOG_RETENTION_DAYS: "1" });
    expect(message).toContain("the user of OMS_MYSQL_URL may not (delete on oms_db.oms_status_history, ");
    expect(message).toContain("Set OMS_RETENTION_MYSQL_URL to the user oms_retention");
    expect(message).not.toContain("secret");
  });

  test("with a wrong password of the user for retention", async () => {
    const retentionMysqlUrl = urlOf("oms_retention").replace("secret", "wrong");
    const env = { OMS_HISTORY_RETENTION_DAYS: "1", OMS_RETENTION_MYSQL_URL: retentionMysqlUrl };
    expect(await startupErrorWith(env, { retentionMysqlUrl })).toMatch(
      /rejected the credentials .*: check user and password in OMS_RETENTION_MYSQL_URL/,
    );
  });

  test.each([
    ["delete", "oms_db.oms_outbox", "oms_service"],
    ["update", "oms_db.oms_order_main", "oms_service"],
    ["insert", "oms_db.oms_request_log", "oms_service"],
    ["select", "oms_db.oms_order_source", "oms_service"],
    ["update", "wmsindb.oms_gift_cust_record", "oms_service"],
    ["select", "oms_db.oms_return_request", "oms_retention"],
  ])("without %s on %s of %s", async (privilege, table, user) => {
    await administrator.query(`revoke ${privilege} on ${table} from ${user}`);
    onTestFinished(() => administrator.query(`grant ${privilege} on ${table} to ${user}`).then(() => {}));
    const retentionMysqlUrl = urlOf("oms_retention");
    const env = { OMS_HISTORY_RETENTION_DAYS: "1", OMS_RETENTION_MYSQL_URL: retentionMysqlUrl };
    const variable = user === "oms_service" ? "OMS_MYSQL_URL" : "OMS_RETENTION_MYSQL_URL";
    expect(await startupErrorWith(env, { retentionMysqlUrl })).toBe(
      `The user of ${variable} lacks privileges (${privilege} on ${table}). Apply deploy/mysql/grants.sql as the database administrator, then start again.`,
    );
  });

  test("but not with privileges by role", async () => {
    await administrator.query("create role everything");
    await administrator.query("create user by_role identified by 'secret-of-role'");
    await administrator.query("grant all on *.* to everything");
    await administrator.query("grant everything to by_role");
    await administrator.query(`set default role everything ${ON_MYSQL ? "to" : "for"} by_role`);
    const url = `mysql://by_role:secret-of-role@127.0.0.1:${mariadb.port}`;
    const server = await startService(
      { url, prefix: "" },
      { systemUrls: stubSystems.urls },
      {
        OMS_ROLE: "all",
        OMS_HISTORY_RETENTION_DAYS: "1000",
      },
    );
    await server.stop();
  });
});

test("grants.sql withdraws what earlier versions granted", async () => {
  await administrator.query("grant delete on oms_db.oms_status_history to oms_service");
  await run("mysql/grants.sql");
  const connection = await createConnection(urlOf("oms_service"));
  onTestFinished(() => connection.destroy());
  await expect(connection.query("delete from oms_db.oms_status_history")).rejects.toThrow(/denied/);
});

test("the embedded database's users have the privileges of users.sql and grants.sql", () => {
  const statements = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("grant "))
      .map((line) => line.replace(";", ""));
  expect(migrationGrants("", SCHEMAS)).toEqual(statements(read("mysql/users.sql")));
  expect(serviceGrants("")).toEqual(statements(read("mysql/grants.sql")));
});

test("grants.sql lists every table and no other", async () => {
  const [rows] = await administrator.query(
    "select concat(table_schema, '.', table_name) as name from information_schema.tables where table_schema in (?)",
    [SCHEMAS],
  );
  const tables = (rows as { name: string }[]).map(({ name }) => name);
  const granted = [...read("mysql/grants.sql").matchAll(/^grant .* on `(\w+)`\.`(\w+)` to 'oms_service'/gm)].map(
    ([, schema, table]) => `${schema}.${table}`,
  );
  expect(granted.toSorted()).toEqual(tables.toSorted());
});

async function openRunsOf(orderId: bigint): Promise<number> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "=", orderId)
    .where("state", "in", ["PENDING", "RETRYING"])
    // A timer waits for its time.
    .where("action", "<>", "payment-timeout")
    .execute();
  return rows.length;
}
