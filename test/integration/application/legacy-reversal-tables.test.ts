import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeCancel } from "../../../src/application/reversal/close-cancel.ts";
import { requestCancel } from "../../../src/application/reversal/request-cancel.ts";
import { requestReturn } from "../../../src/application/reversal/returns.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { readCancel, readReturnDetails } from "../../../src/store/reads/reversal.ts";
import { readSnapshots } from "../../../src/store/reads/snapshots.ts";
import { useMariadb } from "../../support/servers.ts";
import { CONTEXT, insertOrder, useOperations } from "../store/fixture.ts";

const { url, prefix } = useMariadb();
const db = openDatabase({ url, prefix });
const { operations } = useOperations(db);

/** The legacy reversal tables, without a unique key and with several rows of one order. */
beforeAll(async () => {
  const connection = await createConnection({ uri: url, multipleStatements: true });
  await connection.query(
    `create database ${prefix}ordercancel_db; use ${prefix}ordercancel_db;
     create table oms_order_cancel (order_id bigint);
     create table oms_order_cancel_flow (order_id bigint, current_process int);
     create table oms_push_issuccess (order_id bigint, process_flag int);
     create table order_return_detail (order_id bigint, return_id bigint);
     insert into oms_order_cancel values (1), (1);
     insert into oms_order_cancel_flow values (1, 20), (1, 20);
     insert into oms_push_issuccess values (1, 60), (1, 60);
     insert into order_return_detail values (1, 31), (1, 30), (1, 31);`,
  );
  await connection.end();
  await migrate(db);
});
afterAll(() => db.destroy());

const tables = ["oms_order_cancel", "oms_order_cancel_flow", "oms_push_issuccess"] as const;
const rowsOf = (orderId: bigint) =>
  Promise.all(
    tables.map((table) =>
      db.selectFrom(`ordercancel_db.${table}`).selectAll().where("order_id", "=", orderId).execute(),
    ),
  );

const request = (orderId: bigint) =>
  requestCancel(operations, { orderId, reason: "", operator: "li", requestId: "" }, CONTEXT);
const refuse = (orderId: bigint) => {
  const answer = { kind: "refused", reason: "packed" } as const;
  return closeCancel(operations, { orderId, cancelId: undefined, answer, operator: "wms" }, CONTEXT);
};

test("legacy rows are read as they are and updated in place", async () => {
  await insertOrder(db, { orderId: 1n, status: Status.PICKING });
  const old = { cancelId: 0n, state: "WAITING_FOR_WMS", currentProcess: 20, processFlag: 60, verdict: undefined };
  expect(await readCancel(db, 1n)).toMatchObject(old);

  expect(await request(1n)).toMatchObject({ state: "WAITING_FOR_WMS" });
  expect(await refuse(1n)).toBe("REFUSED");

  const twice = (row: object) => [row, row].map((one) => expect.objectContaining(one));
  expect(await rowsOf(1n)).toEqual([
    twice({ order_id: 1n }),
    twice({ current_process: 100 }),
    twice({ process_flag: 60 }),
  ]);
});

test("without a unique key an order has one row in each table, also after several requests", async () => {
  const orderId = await insertOrder(db, { status: Status.PICKING });
  for (const _ of [1, 2]) {
    await request(orderId);
    await refuse(orderId);
  }
  expect((await rowsOf(orderId)).map((rows) => rows.length)).toEqual([1, 1, 1]);
});

test("legacy return rows are listed, do not count, and yield their id once", async () => {
  const orderId = await insertOrder(db, { orderId: 2n, status: Status.DELIVERED });
  await db
    .insertInto("ordercancel_db.order_return_detail")
    .values([
      { order_id: orderId, return_id: 41n, create_date: null },
      { order_id: orderId, return_id: 41n, create_date: null },
    ])
    .execute();
  await db.insertInto("oms_db.oms_order_detail").values({ order_id: orderId, sku_id: 11n, quantity: 1 }).execute();
  const lines = [{ skuId: 11n, quantity: 1 }];
  const input = { orderId, lines, reason: "", requestId: "", operator: "li" };
  const { returnId } = await requestReturn(operations, input, CONTEXT);
  expect((await readReturnDetails(db, [orderId])).map((row) => [row.returnId, row.skuId, row.quantity])).toEqual([
    [41n, 0n, 0],
    [41n, 0n, 0],
    [returnId, 11n, 1],
  ]);
  const [snapshot] = [...(await readSnapshots(db, [orderId])).values()];
  expect(snapshot?.returnIds).toEqual([41n, returnId]);
});
