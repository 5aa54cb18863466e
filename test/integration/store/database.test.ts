import { sql } from "kysely";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openSession } from "../../../src/store/commit/session.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { DatabaseUnavailableError } from "../../../src/store/mysql/errors.ts";
import { inTransaction } from "../../../src/store/mysql/transaction.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb, useOwnMariadb } from "../../support/servers.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { insertOrder } from "./fixture.ts";

const { url, prefix } = useMariadb();
const proxy = useTcpProxy(url);
const own = useOwnMariadb();

function open(more: { url?: string; connections?: number } = {}) {
  const db = openDatabase({ url, prefix, ...more });
  onTestFinished(() => db.destroy());
  return db;
}

beforeAll(async () => {
  const db = openDatabase({ url, prefix });
  await migrate(db);
  await db.destroy();
});

describe("a session", () => {
  test("is UTC, READ COMMITTED and strict, with BIGINT as bigint and times to the millisecond", async () => {
    const db = open();
    const { rows } = await sql<Record<string, unknown>>`
      select @@session.time_zone as zone, @@session.innodb_lock_wait_timeout as lock_wait,
        cast(9007199254740993 as signed) as big, cast(null as signed) as nothing,
        cast('2026-03-01 08:00:00.123' as datetime(3)) as moment, ${new Date("2026-03-01T08:00:00.123Z")} as sent`.execute(
      db,
    );
    expect(rows).toEqual([
      {
        zone: "+00:00",
        lock_wait: 2n,
        big: 9_007_199_254_740_993n,
        nothing: null,
        moment: new Date("2026-03-01T08:00:00.123Z"),
        sent: "2026-03-01 08:00:00.123",
      },
    ]);
    // MySQL and MariaDB use different names.
    const level = await sql<{
      Value: string;
    }>`show variables where variable_name in ('tx_isolation', 'transaction_isolation')`.execute(db);
    expect(new Set(level.rows.map(({ Value }) => Value))).toEqual(new Set(["READ-COMMITTED"]));
    await expect(
      db
        .insertInto("oms_db.oms_order_source")
        .values({ order_source: 1, order_source_value: "x".repeat(500) })
        .execute(),
    ).rejects.toMatchObject({ code: "ER_DATA_TOO_LONG" });
  });

  test("has a default database, which MySQL requires to update a json_table", async () => {
    const named = new URL(url);
    named.pathname = `/${prefix}oms_db`;
    const names = await Promise.all(
      [url, named.href].map(async (address) => {
        const { rows } = await sql<{ name: string }>`select database() as name`.execute(open({ url: address }));
        const session = await openSession({ url: address, prefix });
        onTestFinished(() => session.destroy());
        const [ofSession] = await session.send(["select database() as name"]);
        return [rows, ofSession];
      }),
    );
    const both = (name: string) => [[{ name }], [{ name }]];
    expect(names).toEqual([both("information_schema"), both(`${prefix}oms_db`)]);
  });

  test("finds the tables under the prefix, in every part of a query", async () => {
    const db = open();
    const compiled = db
      .selectFrom("oms_db.oms_order_main as m")
      .innerJoin("ordercancel_db.oms_order_cancel", "ordercancel_db.oms_order_cancel.order_id", "m.order_id")
      .select(["m.order_id", "ordercancel_db.oms_order_cancel.order_id as cancel"])
      .compile();
    expect(compiled.sql).toBe(
      `select \`m\`.\`order_id\`, \`${prefix}ordercancel_db\`.\`oms_order_cancel\`.\`order_id\` as \`cancel\`` +
        ` from \`${prefix}oms_db\`.\`oms_order_main\` as \`m\` inner join \`${prefix}ordercancel_db\`.\`oms_order_cancel\`` +
        ` on \`${prefix}ordercancel_db\`.\`oms_order_cancel\`.\`order_id\` = \`m\`.\`order_id\``,
    );
    const bare = openDatabase({ url });
    expect(bare.selectFrom("oms_db.oms_order_main").select("order_id").compile().sql).toBe(
      "select `order_id` from `oms_db`.`oms_order_main`",
    );
  });
});

describe("a lost connection", () => {
  test("within a transaction reports its own error, not that of the rollback, and is not reused", async () => {
    const db = open({ url: proxy.url, connections: 1 });
    await expect(
      db.transaction().execute(async (trx) => {
        await sql`select 1`.execute(trx);
        proxy.closeConnections();
        await sql`select 2`.execute(trx);
      }),
    ).rejects.toMatchObject({
      name: "DatabaseUnavailableError",
      cause: { code: expect.stringMatching(/^(PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE)$/) },
    });
    expect((await sql<{ one: string }>`select '1' as one`.execute(db)).rows).toEqual([{ one: "1" }]);
  });

  test("is replaced when it was idle", async () => {
    const db = open({ url: proxy.url, connections: 1 });
    await sql`select 1`.execute(db);
    proxy.closeConnections();
    await eventually(async () => {
      expect((await sql<{ one: string }>`select '1' as one`.execute(db)).rows).toEqual([{ one: "1" }]);
    });
  });

  test("that cannot be replaced is an error in bounded time, on a refused or a silent port", async () => {
    const db = open({ url: proxy.url });
    onTestFinished(() => proxy.setAcceptMode("open"));
    for (const mode of ["closed", "silent"] as const) {
      proxy.setAcceptMode(mode);
      const started = performance.now();
      await expect(sql`select 1`.execute(db)).rejects.toThrow(DatabaseUnavailableError);
      expect(performance.now() - started).toBeLessThan(15_000);
    }
  });
});

test("a restarted server is used again", async () => {
  const db = openDatabase({ url: own.url });
  onTestFinished(() => db.destroy());
  await migrate(db);
  const orderId = await insertOrder(db);
  await own.kill();
  await expect(sql`select 1`.execute(db)).rejects.toThrow(DatabaseUnavailableError);
  await own.restart();
  await eventually(async () => {
    const rows = await db.selectFrom("oms_db.oms_order_status").select("order_id").execute();
    expect(rows).toEqual([{ order_id: orderId }]);
  });
});

describe("a transaction", () => {
  /** An error of the driver, as Kysely passes it on. */
  const failure = (errno: number) => Object.assign(new Error(`errno ${errno}`), { errno });

  test("is retried as a whole after a deadlock or a lock wait timeout", async () => {
    const db = open();
    const tries: number[] = [];
    const result = await inTransaction(db, async (trx) => {
      tries.push(tries.length);
      await trx.insertInto("oms_db.oms_order_source").values({ order_source: 77, order_source_value: "x" }).execute();
      if (tries.length < 3) {
        throw failure(tries.length === 1 ? 1213 : 1205);
      }
      return "done";
    });
    expect([result, tries]).toEqual(["done", [0, 1, 2]]);
    expect(await db.selectFrom("oms_db.oms_order_source").selectAll().execute()).toEqual([
      { order_source: 77, order_source_value: "x" },
    ]);
  });

  test("fails after some retries, and at once for another error", async () => {
    const db = open();
    let tries = 0;
    const failing = (errno: number) =>
      inTransaction(db, async () => {
        tries += 1;
        throw failure(errno);
      });
    await expect(failing(1213)).rejects.toThrow(DatabaseUnavailableError);
    expect(tries).toBe(6);
    await expect(failing(1064)).rejects.toThrow("errno 1064");
    expect(tries).toBe(7);
  });
});
