import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  markInvoicesPrinted,
  recordShippedQuantities,
  updateDeliveryInfo,
} from "../../../src/application/orders/records.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { DatabaseUnavailableError } from "../../../src/store/mysql/errors.ts";
import { insertSettlement } from "../../../src/store/orders/action-effects.ts";
import { readDetailLines, readShippedLines } from "../../../src/store/reads/goods.ts";
import { readSnapshots } from "../../../src/store/reads/snapshots.ts";
import { choosePort } from "../../../tools/devstack/ports.ts";
import { useMariadb } from "../../support/servers.ts";
import { CONTEXT, openCommitter, report, useOperations } from "./fixture.ts";

const { url, prefix } = useMariadb();
let connection: Connection;
beforeAll(async () => {
  connection = await createConnection({ uri: url, multipleStatements: true });
});
afterAll(() => connection.end());

const STEPS = [
  "001-old-tables",
  "002-change-tables",
  "003-event-tables",
  "004-request-log",
  "005-flow-tables",
  "006-operations-tables",
  "007-cheaper-claims",
  "008-old-method",
  "009-shadow",
  "010-authenticated-operator",
  "011-leases",
  "012-wms-answers",
];

/** All tables with their columns and indexes. */
async function describeTables(own: string): Promise<Map<string, { columns: string[]; indexes: string[] }>> {
  const [columns] = await connection.query<RowDataPacket[]>(
    "select concat(table_schema, '.', table_name) as tab, column_name as col from information_schema.columns" +
      " where left(table_schema, ?) = ? order by table_schema, table_name, ordinal_position",
    [own.length, own],
  );
  const [indexes] = await connection.query<RowDataPacket[]>(
    "select concat(table_schema, '.', table_name) as tab, group_concat(column_name order by seq_in_index) as cols, max(non_unique) as non_unique" +
      " from information_schema.statistics where left(table_schema, ?) = ? group by table_schema, table_name, index_name" +
      " order by cols",
    [own.length, own],
  );
  const tables = new Map<string, { columns: string[]; indexes: string[] }>();
  for (const [table, rows] of Map.groupBy(columns, ({ tab }) => String(tab).slice(own.length))) {
    const own_ = indexes.filter(({ tab }) => String(tab).endsWith(table));
    tables.set(table, {
      columns: rows.map(({ col }) => String(col)),
      indexes: own_.map(({ cols, non_unique }) => `${non_unique === 0 ? "unique " : ""}${cols}`),
    });
  }
  return tables;
}

test("an empty server gets all tables; a second run does nothing", async () => {
  const db = openDatabase({ url, prefix: `${prefix}a_` });
  const lines: string[] = [];
  expect(await migrate(db, (line) => lines.push(line))).toEqual({ applied: STEPS });
  expect(lines.filter((line) => line.startsWith("created database"))).toHaveLength(3);
  const tables = await describeTables(`${prefix}a_`);
  expect([...tables.keys()].toSorted()).toEqual([
    "oms_db.oms_action_ledger",
    "oms_db.oms_action_switch",
    "oms_db.oms_action_total",
    "oms_db.oms_cancel_request",
    "oms_db.oms_commit_mark",
    "oms_db.oms_intervention",
    "oms_db.oms_lease",
    "oms_db.oms_migration",
    "oms_db.oms_order_delivery_main",
    "oms_db.oms_order_detail",
    "oms_db.oms_order_detail_exp",
    "oms_db.oms_order_invoice",
    "oms_db.oms_order_line",
    "oms_db.oms_order_main",
    "oms_db.oms_order_source",
    "oms_db.oms_order_status",
    "oms_db.oms_order_status_rule",
    "oms_db.oms_outbox",
    "oms_db.oms_request",
    "oms_db.oms_request_log",
    "oms_db.oms_return_request",
    "oms_db.oms_shadow_difference",
    "oms_db.oms_shadow_total",
    "oms_db.oms_status_history",
    "ordercancel_db.oms_order_cancel",
    "ordercancel_db.oms_order_cancel_flow",
    "ordercancel_db.oms_push_issuccess",
    "ordercancel_db.order_return_detail",
    "wmsindb.oms_gift_cust_record",
  ]);
  expect(tables.get("oms_db.oms_order_main")?.indexes).toEqual(["unique order_id", "parent_id", "root_parent_id"]);
  expect(tables.get("oms_db.oms_status_history")?.indexes).toEqual(["unique id", "order_id,id"]);
  expect(tables.get("oms_db.oms_action_ledger")?.indexes).toEqual([
    "action,state,next_attempt_time,id",
    "unique id",
    "unique message_id,action",
    "order_id,action",
  ]);
  expect(await migrate(db, (line) => lines.push(line))).toEqual({ applied: [] });
  expect(await describeTables(`${prefix}a_`)).toEqual(tables);
  await db.destroy();
});

test("servers that start together migrate once", async () => {
  const dbs = Array.from({ length: 4 }, () => openDatabase({ url, prefix: `${prefix}b_` }));
  const results = await Promise.all(dbs.map((db) => migrate(db)));
  expect(results.map(({ applied }) => applied).toSorted((a, b) => a.length - b.length)).toEqual([[], [], [], STEPS]);
  await Promise.all(dbs.map((db) => db.destroy()));
});

test("an interrupted migration is continued", async () => {
  const db = openDatabase({ url, prefix: `${prefix}c_` });
  await migrate(db);
  const whole = await describeTables(`${prefix}c_`);
  await connection.query(
    `drop table ${prefix}c_oms_db.oms_outbox; alter table ${prefix}c_oms_db.oms_action_ledger drop column claimed_by;
     delete from ${prefix}c_oms_db.oms_migration where name > '002'`,
  );
  expect(await migrate(db)).toEqual({ applied: STEPS.slice(1) });
  const again = await describeTables(`${prefix}c_`);
  const sorted = (tables: typeof whole) =>
    new Map([...tables].map(([name, { columns, indexes }]) => [name, { columns: columns.toSorted(), indexes }]));
  expect(sorted(again)).toEqual(sorted(whole));
  await db.destroy();
});

test("an unavailable database is an error in bounded time", async () => {
  const db = openDatabase({ url: `mysql://root@127.0.0.1:${await choosePort()}`, prefix });
  await expect(migrate(db)).rejects.toThrow(DatabaseUnavailableError);
});

test("a denied access is reported as such", async () => {
  const { port } = new URL(url);
  const db = openDatabase({ url: `mysql://unknown:wrong@127.0.0.1:${port}`, prefix });
  await expect(migrate(db)).rejects.toMatchObject({ code: expect.stringMatching(/^ER_ACCESS_DENIED/) });
  await expect(readSnapshots(db, [1n])).rejects.toMatchObject({ code: expect.stringMatching(/^ER_ACCESS_DENIED/) });
  await db.destroy();
});

describe("legacy tables with rows", () => {
  const own = `${prefix}old_`;
  const db = openDatabase({ url, prefix: own });

  /** The legacy tables with other keys and types, and with unknown columns. */
  const OLD = `
    create database ${own}oms_db; create database ${own}ordercancel_db; create database ${own}wmsindb;
    use ${own}oms_db;
    create table oms_order_main (order_id bigint not null, parent_id bigint, root_parent_id bigint, is_parent int, order_source int,
      order_type int, is_payed int, is_refund int, create_date datetime, update_date datetime, modify_date datetime,
      customer_name varchar(20) not null, primary key (order_id));
    create table oms_order_status (id int not null auto_increment, order_id bigint not null, order_status int, is_pause int,
      is_finish int, create_date datetime, update_date datetime, warehouse_code varchar(10) not null, primary key (id),
      key idx_order (order_id));
    create table oms_order_detail (order_id bigint, sku_id bigint, quantity int);
    create table oms_order_detail_exp (order_id bigint, sku_id bigint, delivery_num int);
    create table oms_order_source (order_source int, order_source_value varchar(20));
    create table oms_order_invoice (order_id bigint, invoice_status int, is_invoiced int, invoice_type int, invoice_title varchar(100),
      invoice_content varchar(100), invoice_tax_payer_code varchar(50), invoice_email varchar(100));
    create table oms_order_delivery_main (order_id bigint, delivery_id int, delivery_company varchar(50), waybill_no varchar(50));
    create table oms_order_status_rule (order_id bigint, order_status int);
    create table ${own}ordercancel_db.oms_order_cancel (order_id bigint);
    create table ${own}ordercancel_db.order_return_detail (order_id bigint, return_id bigint);
    create table ${own}wmsindb.oms_gift_cust_record (order_id bigint, gift_status int, update_date datetime);
    insert into oms_order_main values (1, null, null, 0, 2001, 1, 1, null, '2020-01-01', null, null, 'Li'),
      (2, 0, 0, null, null, null, null, 0, '2020-01-01', null, null, 'Wang');
    insert into oms_order_status (order_id, order_status, is_pause, is_finish, create_date, warehouse_code)
      values (1, 2020, 0, 1, '2020-01-01 10:00:00', 'SH1'), (2, 1000, null, null, null, 'BJ2');
    insert into oms_order_detail values (1, 11, 1), (1, 11, 2), (1, 12, 5);
    insert into oms_order_detail_exp values (1, 11, 1);
    insert into oms_order_invoice values (1, 0, 0, 1, 'old', null, null, null);
    insert into oms_order_delivery_main values (1, 642, 'ZTO', '7311');
    insert into oms_order_status_rule values (9, 6010), (9, 6010);
    insert into ${own}ordercancel_db.order_return_detail values (1, 31), (1, 30), (1, 31);`;

  beforeAll(async () => {
    await connection.query(OLD);
  });
  afterAll(() => db.destroy());
  const { operations } = useOperations(db);

  async function rows(table: string): Promise<RowDataPacket[]> {
    const [found] = await connection.query<RowDataPacket[]>(`select * from ${own}${table} order by order_id`);
    return found;
  }

  test("keep their rows, keys and columns, and get what is missing", async () => {
    const before = await rows("oms_db.oms_order_status");
    const mainBefore = await rows("oms_db.oms_order_main");
    expect(await migrate(db)).toEqual({ applied: STEPS });
    expect(await rows("oms_db.oms_order_status")).toEqual(
      before.map((row) => ({ ...row, version: 0, passed_states: 0, status_time: null, warehouse_count: 0 })),
    );
    expect(await rows("oms_db.oms_order_main")).toEqual(mainBefore.map((row) => ({ ...row, recharge_account: null })));
    const tables = await describeTables(own);
    expect(tables.get("oms_db.oms_order_status")).toEqual({
      columns: [
        "id",
        "order_id",
        "order_status",
        "is_pause",
        "is_finish",
        "create_date",
        "update_date",
        "warehouse_code",
        "version",
        "passed_states",
        "status_time",
        "warehouse_count",
      ],
      indexes: ["unique id", "order_id"],
    });
    expect(tables.get("oms_db.oms_order_status_rule")).toEqual({
      columns: ["order_id", "order_status", "message_id", "settlement_lines", "create_date"],
      indexes: ["unique message_id"],
    });
    expect(tables.get("ordercancel_db.order_return_detail")?.indexes).toEqual(["order_id"]);
    expect(tables.get("oms_db.oms_order_main")?.indexes).toEqual(["unique order_id", "parent_id", "root_parent_id"]);
  });

  test("are changed only in existing rows, and unknown columns stay as they are", async () => {
    const committer = openCommitter(db);
    expect(await committer.report(report(1n, Status.PACKED))).toMatchObject({ outcome: "applied", version: 1 });
    expect(await committer.report(report(2n, Status.PAID))).toMatchObject({ outcome: "applied", version: 1 });
    await committer.close();
    expect(await rows("oms_db.oms_order_status")).toMatchObject([
      { order_id: 1, order_status: Status.PACKED, is_finish: 0, warehouse_code: "SH1", version: 1 },
      { order_id: 2, order_status: Status.PAID, is_pause: 0, is_finish: 0, warehouse_code: "BJ2", version: 1 },
    ]);
    expect(await rows("oms_db.oms_order_main")).toMatchObject([
      { order_id: 1, is_payed: 1, update_date: null, customer_name: "Li" },
      { order_id: 2, is_payed: 1, update_date: expect.any(Date), customer_name: "Wang" },
    ]);
    const events = committer.batches.flat().map(({ event }) => event);
    expect(
      events.map(({ orderId, rootParentId, orderSource, orderType }) => [
        orderId,
        rootParentId,
        orderSource,
        orderType,
      ]),
    ).toEqual(
      expect.arrayContaining([
        [1n, 0n, 2001, 1],
        [2n, 0n, 0, 0],
      ]),
    );
  });

  test("are read with repeated lines of a SKU and repeated returns merged", async () => {
    expect(await readDetailLines(db, 1n)).toEqual([
      { skuId: 11n, quantity: 3 },
      { skuId: 12n, quantity: 5 },
    ]);
    expect((await readSnapshots(db, [1n])).get(1n)).toMatchObject({ returnIds: [30n, 31n], rootParentId: 0n });
  });

  test("accept the other changes", async () => {
    const sameDelivery = { orderId: 1n, deliveryId: "642", deliveryCompany: "ZTO", waybillNo: "7311", operator: "li" };
    expect(await updateDeliveryInfo(operations, sameDelivery, CONTEXT)).toMatchObject({ changed: false });
    const delivery = { ...sameDelivery, waybillNo: "7312" };
    expect(await updateDeliveryInfo(operations, delivery, CONTEXT)).toMatchObject({ changed: true });
    const shipped = {
      orderId: 1n,
      requestId: "",
      operator: "li",
      lines: [
        { skuId: 11n, quantity: 2 },
        { skuId: 12n, quantity: 4 },
      ],
    };
    expect(await recordShippedQuantities(operations, shipped, CONTEXT)).toEqual({ recordedCount: 2 });
    expect(await readShippedLines(db, 1n)).toEqual(shipped.lines);
    const invoice = { title: "", content: "goods", taxPayerCode: "", email: "" };
    const mark = { orderIds: [2n, 1n], invoice, sendEmail: false };
    expect(await markInvoicesPrinted(operations, mark, CONTEXT)).toEqual({
      updatedCount: 1,
      missingOrderIds: [2n],
    });
    expect(await rows("oms_db.oms_order_invoice")).toEqual([
      {
        order_id: 1,
        invoice_status: 1,
        is_invoiced: 1,
        invoice_type: 3,
        invoice_title: "old",
        invoice_content: "goods",
        invoice_tax_payer_code: null,
        invoice_email: null,
      },
    ]);
    const settlement = { messageId: "1-1", orderId: 1n, orderStatus: 6010, lines: [] };
    expect([await insertSettlement(db, settlement), await insertSettlement(db, settlement)]).toEqual([true, false]);
  });

  test("get complete orders from other systems' inserts, at version 0 and without history", async () => {
    await connection.query(
      `insert into ${own}oms_db.oms_order_main (order_id, customer_name) values (3, 'Zhao');
       insert into ${own}oms_db.oms_order_status (order_id, order_status, warehouse_code) values (3, 1000, 'GZ3')`,
    );
    expect((await readSnapshots(db, [3n])).get(3n)).toEqual({
      orderId: 3n,
      status: Status.CREATED,
      paused: false,
      version: 0,
      updateTime: new Date(0),
      rootParentId: 0n,
      returnIds: [],
    });
  });
});
