import { createConnection, type RowDataPacket } from "mysql2/promise";
import { insertOrders, makeOrder } from "./orders.ts";

/** The order used in examples; one of the sample orders. */
export const SAMPLE_ORDER_ID = 171_203_044n;

const FIRST_ID = 171_203_041n;
const ORDERS = 20;

const SOURCES: readonly (readonly [number, string])[] = [
  [1000, "自营商城"],
  [1010, "门店补货"],
  [1025, "企业采购"],
  [2001, "美团"],
  [2002, "饿了么"],
  [2003, "京东到家"],
  [10010, "区域仓补货"],
];

/**
 * Inserts sample orders of all kinds and the order sources into an empty database. Used with the
 * embedded database only.
 *
 * @returns number of orders inserted; 0 if the database has orders
 */
export async function fillSampleOrders(mysqlUrl: string, prefix: string): Promise<number> {
  const connection = await createConnection({ uri: mysqlUrl, timezone: "Z" });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(`select 1 from ${prefix}oms_db.oms_order_main limit 1`);
    if (rows.length > 0) {
      return 0;
    }
    await connection.beginTransaction();
    await connection.query(
      `insert ignore into ${prefix}oms_db.oms_order_source (order_source, order_source_value) values ?`,
      [SOURCES],
    );
    await insertOrders(
      connection,
      prefix,
      Array.from({ length: ORDERS }, (_, index) => makeOrder(FIRST_ID, index)),
    );
    await connection.commit();
    return ORDERS;
  } finally {
    await connection.end();
  }
}
