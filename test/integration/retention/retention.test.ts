import { sql } from "kysely";
import { afterEach, describe, expect, test } from "vitest";
import { STATES, Status } from "../../../src/domain/state-machine.ts";
import { createCursors } from "../../../src/jobs/retention/pass.ts";
import { waitsForLock } from "../../support/orders.ts";
import { insertOrder, rowsOf, useStore } from "../store/fixture.ts";
import {
  countRows,
  daysAgo,
  insertHistory,
  insertPast,
  insertRequest,
  type Past,
  PERIODS,
  passOnce,
} from "./fixture.ts";

const { db } = useStore();

const TABLES = [
  "oms_order_main",
  "oms_order_status",
  "oms_status_history",
  "oms_action_ledger",
  "oms_outbox",
  "oms_request",
  "oms_request_log",
  "oms_return_request",
  "oms_intervention",
];
afterEach(async () => {
  for (const table of TABLES) {
    await sql`delete from ${sql.table(`oms_db.${table}`)}`.execute(db);
  }
});

const ALL = { history: 3, ledger: 3, requests: 0 };
const NOTHING = { history: 0, ledger: 0, requests: 0 };

describe("an order's history and ledger rows", () => {
  test("are purged long after it ended; the order itself stays as it is", async () => {
    const orderId = await insertPast(db);
    const [order, main] = [
      await rowsOf(db, "oms_db.oms_order_status", orderId),
      await rowsOf(db, "oms_db.oms_order_main", orderId),
    ];

    expect(await passOnce(db)).toMatchObject({ history: 3, ledger: 3 });

    expect(await countRows(db, orderId)).toEqual(NOTHING);
    expect(await rowsOf(db, "oms_db.oms_order_status", orderId)).toEqual(order);
    expect(order).toMatchObject([{ version: 3, order_status: Status.DELIVERED }]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toEqual(main);
  });

  test.each(STATES.map(({ name, code, final }) => [name, code, final] as const))(
    "in %s (%i): purged is %s",
    async (_, status, final) => {
      const orderId = await insertPast(db, { status });
      await passOnce(db);
      expect(await countRows(db, orderId)).toEqual(final ? NOTHING : ALL);
    },
  );

  const kept: [string, Past][] = [
    ["a change is young, though the first ones are old", { changes: [90, 60, 29] }],
    ["an entry is pending", { lastState: "PENDING" }],
    ["an entry is retried", { lastState: "RETRYING" }],
    ["an entry is parked", { lastState: "PARKED" }],
    ["an Action ended recently", { finished: 29 }],
    ["it is in an unknown state", { status: 4242 as Status }],
  ];
  test.each(kept)("stay while %s", async (_, past) => {
    const orderId = await insertPast(db, past);
    expect(await passOnce(db)).toMatchObject({ history: 0, ledger: 0 });
    expect(await countRows(db, orderId)).toEqual(ALL);
  });

  test("are purged with a discarded entry", async () => {
    const orderId = await insertPast(db, { lastState: "DISCARDED" });
    await passOnce(db);
    expect(await countRows(db, orderId)).toEqual(NOTHING);
  });

  test("stay after a recent stale report, pause or return", async () => {
    const [late, paused, returned] = [await insertPast(db), await insertPast(db), await insertPast(db)];
    const yesterday = await daysAgo(db, 1);
    await insertHistory(db, late, 3, yesterday);
    await db
      .updateTable("oms_db.oms_order_status")
      .set({ update_date: yesterday })
      .where("order_id", "=", paused)
      .execute();
    await db
      .insertInto("oms_db.oms_return_request")
      .values({ return_id: 1n, order_id: returned, reason: "", caller: "", operator: "", request_time: yesterday })
      .execute();

    expect(await passOnce(db)).toMatchObject({ history: 0, ledger: 0 });
    expect(await countRows(db, late)).toEqual({ ...ALL, history: 4 });
    expect(await countRows(db, paused)).toEqual(ALL);
    expect(await countRows(db, returned)).toEqual(ALL);
  });

  test("are purged for an order that is no longer in the legacy tables", async () => {
    const orderId = await insertPast(db);
    await db.deleteFrom("oms_db.oms_order_status").where("order_id", "=", orderId).execute();
    await db.deleteFrom("oms_db.oms_order_main").where("order_id", "=", orderId).execute();
    await passOnce(db);
    expect(await countRows(db, orderId)).toEqual(NOTHING);
  });

  test("are purged for an order that has ledger rows alone", async () => {
    const orderId = await insertPast(db);
    await db.deleteFrom("oms_db.oms_status_history").where("order_id", "=", orderId).execute();
    await passOnce(db);
    expect(await countRows(db, orderId)).toEqual(NOTHING);
  });

  test("stay while the broker may lack an event of that time", async () => {
    const before = await insertPast(db, { changes: [50, 49, 48] });
    const after = await insertPast(db, { changes: [42, 41, 40] });
    const event = { subject: "", event_type: "", body: Buffer.alloc(0), traceparent: "" };
    const insert = (published: number, record_time: Date) =>
      db
        .insertInto("oms_db.oms_outbox")
        .values({ ...event, message_id: `${after}-1`, order_id: after, record_time, published })
        .execute();
    await insert(1, await daysAgo(db, 60));
    await insert(0, await daysAgo(db, 42));

    await passOnce(db);
    expect(await countRows(db, before)).toEqual(NOTHING);
    expect(await countRows(db, after)).toEqual(ALL);

    await db.updateTable("oms_db.oms_outbox").set({ published: 1 }).execute();
    await passOnce(db);
    expect(await countRows(db, after)).toEqual(NOTHING);
  });

  test("stay where everything is kept forever", async () => {
    const orderId = await insertPast(db);
    await passOnce(db, { periods: { ...PERIODS, historyMs: Number.POSITIVE_INFINITY } });
    expect(await countRows(db, orderId)).toEqual(ALL);
  });

  test("a pass does not wait for a locked order, which is left for the next one", async () => {
    const [locked, free] = [await insertPast(db), await insertPast(db)];
    await insertRequest(db, "r-locked", locked, await daysAgo(db, 40));
    await db.transaction().execute(async (trx) => {
      await trx
        .selectFrom("oms_db.oms_order_status")
        .select("order_id")
        .where("order_id", "=", locked)
        .forUpdate()
        .execute();
      await passOnce(db);
    });
    expect(await countRows(db, locked)).toEqual({ ...ALL, requests: 1 });
    expect(await countRows(db, free)).toEqual(NOTHING);
    await passOnce(db);
    expect(await countRows(db, locked)).toEqual(NOTHING);
  });
});

test("an entry that is retried at the same moment is not purged", async () => {
  const orderId = await insertPast(db, { lastState: "DISCARDED" });
  const entry = (await rowsOf(db, "oms_db.oms_action_ledger", orderId)).at(-1) as { id: bigint };
  let purging: Promise<unknown> = Promise.resolve();
  await db.transaction().execute(async (trx) => {
    await trx.updateTable("oms_db.oms_action_ledger").set({ state: "RETRYING" }).where("id", "=", entry.id).execute();
    purging = passOnce(db);
    await waitsForLock(db, entry.id);
  });
  await purging;
  expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([{ id: entry.id, state: "RETRYING" }]);
});

describe("a crash between any two steps", () => {
  /** Number of events that a replay would run again, and of changes whose request id is unknown. */
  async function undone(): Promise<{ replayable: number; repeatable: number }> {
    const one = async (query: ReturnType<typeof sql<{ count: bigint }>>) =>
      Number((await query.execute(db)).rows[0]?.count);
    return {
      replayable: await one(sql`
        select count(*) as count from ${sql.table("oms_db.oms_status_history")} h
        left join ${sql.table("oms_db.oms_action_ledger")} l on l.message_id = concat(h.order_id, '-', h.version)
        where h.outcome = 'APPLIED' and l.id is null`),
      repeatable: await one(sql`
        select count(*) as count from ${sql.table("oms_db.oms_status_history")} h
        left join ${sql.table("oms_db.oms_request")} r on r.request_id = concat(h.order_id, '-r', h.version)
        where r.request_id is null`),
    };
  }

  test("leaves no event that a replay and no change that a repeat would apply again", { timeout: 60_000 }, async () => {
    // More rows than one transaction deletes; stale reports have no ledger rows.
    const long = await insertPast(db, { changes: Array.from({ length: 1_100 }, () => 40) });
    await db
      .updateTable("oms_db.oms_status_history")
      .set({ outcome: "STALE" })
      .where("order_id", "=", long)
      .where("version", "<=", 550)
      .execute();
    await sql`
      delete from ${sql.table("oms_db.oms_action_ledger")}
      where order_id = ${long} and substring_index(message_id, '-', -1) <= 550`.execute(db);
    const orders = [await insertPast(db), long, await insertPast(db)];
    for (const orderId of orders) {
      for (const { version, record_time } of await rowsOf(db, "oms_db.oms_status_history", orderId)) {
        await insertRequest(db, `${orderId}-r${version}`, orderId, record_time as Date);
      }
    }
    let steps = 0;
    const deleted = await passOnce(db, {
      async afterStep() {
        steps += 1;
        expect(await undone()).toEqual({ replayable: 0, repeatable: 0 });
      },
    });
    expect(steps).toBeGreaterThan(8);
    expect(deleted).toEqual({ history: 1_106, ledger: 556, request: 1_106, request_log: 0 });
    expect(await countRows(db, long)).toEqual(NOTHING);
  });
});

describe("request ids", () => {
  test("are purged after their order's history, when they are old themselves", async () => {
    const orderId = await insertPast(db);
    await insertRequest(db, "pay-1", orderId, await daysAgo(db, 40));
    await insertRequest(db, "return-1", orderId, await daysAgo(db, 2));
    expect(await passOnce(db)).toMatchObject({ history: 3, request: 1 });
    expect(await rowsOf(db, "oms_db.oms_request", orderId)).toMatchObject([{ request_id: Buffer.from("return-1") }]);
  });

  test("stay as long as their order has a history or a ledger row, or has not ended", async () => {
    const old = await daysAgo(db, 400);
    const orders = [
      await insertPast(db, { lastState: "PARKED" }),
      await insertPast(db, { changes: [29] }),
      await insertPast(db, { status: Status.HANDED_OVER, changes: [] }),
    ];
    for (const orderId of orders) {
      await insertRequest(db, `r-${orderId}`, orderId, old);
    }
    expect(await passOnce(db)).toMatchObject({ request: 0 });
  });

  test("are purged for orders without history and for missing orders", async () => {
    const old = await daysAgo(db, 40);
    await insertRequest(db, "r-ended", await insertOrder(db, { status: Status.CANCELLED }), old);
    await insertRequest(db, "r-gone", 999_999_999n, old);
    expect(await passOnce(db)).toMatchObject({ request: 2 });
  });

  test("an interrupted scan continues where it was, and the next one starts again", async () => {
    const orderId = await insertOrder(db, { status: Status.DELIVERED });
    const young = await daysAgo(db, 1);
    const ids = Array.from({ length: 1_100 }, (_, index) => Buffer.from(`r${1_000 + index}`));
    const row = { digest: Buffer.alloc(20), answer: "", order_id: orderId, record_time: young };
    await db
      .insertInto("oms_db.oms_request")
      .values(ids.map((request_id) => ({ ...row, request_id })))
      .execute();
    const cursors = createCursors();
    const interrupted = passOnce(db, {
      cursors,
      async afterStep() {
        if (cursors.request.next.length > 0) {
          throw new Error("interrupted");
        }
      },
    });
    await expect(interrupted).rejects.toThrow("interrupted");
    await db
      .updateTable("oms_db.oms_request")
      .set({ record_time: await daysAgo(db, 40) })
      .execute();

    expect(await passOnce(db, { cursors })).toMatchObject({ request: 600 });
    expect(await passOnce(db, { cursors })).toMatchObject({ request: 500 });
  });

  test("are all scanned, with any bytes", async () => {
    const old = await daysAgo(db, 40);
    const orderId = await insertOrder(db, { status: Status.LOST });
    const keptFor = await insertOrder(db, { status: Status.PAID });
    const letters = [..."\u0000 Aaé\u{1f600}'\\"];
    const ids = Array.from({ length: 1_100 }, (_, index) => `${letters[index % letters.length]}${index}`);
    await db
      .insertInto("oms_db.oms_request")
      .values(
        ids.map((id, index) => ({
          request_id: Buffer.from(id),
          digest: Buffer.alloc(20),
          answer: "",
          order_id: index % 11 === 0 ? keptFor : orderId,
          record_time: old,
        })),
      )
      .execute();
    expect(await passOnce(db)).toMatchObject({ request: 1_000 });
    expect(await countRows(db, keptFor)).toMatchObject({ requests: 100 });
  });
});

describe("the request log", () => {
  test("is purged after its own period", async () => {
    const row = { call_id: "", rpc: "", caller: "", operator: "", request_id: "", code: "OK", traceparent: "" };
    const times = [await daysAgo(db, 31), await daysAgo(db, 29)] as const;
    await db
      .insertInto("oms_db.oms_request_log")
      .values(
        Array.from({ length: 1_300 }, (_, index) => ({
          ...row,
          order_id: 1n,
          duration_ms: 1,
          record_time: index < 1_200 || index === 1_210 ? times[0] : times[1],
        })),
      )
      .execute();
    expect(await passOnce(db, { periods: { historyMs: 1, requestLogMs: Number.POSITIVE_INFINITY } })).toMatchObject({
      request_log: 0,
    });
    expect(await passOnce(db)).toMatchObject({ request_log: 1_201 });
    expect(await passOnce(db)).toMatchObject({ request_log: 0 });
  });
});
