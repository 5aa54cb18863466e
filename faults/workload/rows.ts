import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { insertOrders, insertWmsRows, type Order } from "../../tools/demo/orders.ts";
import type { BackendAddresses } from "../types.ts";

/** Writes the rows that other systems write, exactly once, retrying while the database is down. */
export interface Rows {
  /** Orders at CREATED that were not submitted by SubmitOrder. */
  insert(orders: readonly Order[]): Promise<void>;
  /** The parcel and gift rows of an order; calls within a short time are batched. */
  addWmsRows(orderId: bigint): Promise<void>;
  close(): void;
}

const RETRY_MS = 200;
const BATCH_MS = 50;

export function openRows({ mysqlUrl, prefix }: BackendAddresses): Rows {
  let connection: Promise<Connection> | undefined;
  let closed = false;
  let batch: { ids: bigint[]; done: Promise<void> } | undefined;
  /** Transactions run one after the other. */
  let last: Promise<void> = Promise.resolve();

  const open = () =>
    createConnection({ uri: mysqlUrl, timezone: "Z", supportBigNumbers: true, bigNumberStrings: true }).then(
      (opened) => {
        // A broken connection is detected by its next use.
        opened.on("error", () => {});
        return opened;
      },
    );

  /**
   * Runs one transaction unless its rows exist already: the answer to an earlier commit may have
   * been lost.
   */
  const writeOnce = async (table: string, orderId: bigint, write: (connection: Connection) => Promise<void>) => {
    while (!closed) {
      connection ??= open();
      try {
        const database = await connection;
        const [rows] = await database.query<RowDataPacket[]>(
          `select 1 from ${prefix}${table} where order_id = ? limit 1`,
          [String(orderId)],
        );
        if (rows.length === 0) {
          await database.beginTransaction();
          await write(database);
          await database.commit();
        }
        return;
      } catch {
        void connection.then((broken) => broken.destroy()).catch(() => {});
        connection = undefined;
        await sleep(RETRY_MS);
      }
    }
  };

  const enqueue = (work: () => Promise<void>) => {
    last = last.then(work);
    return last;
  };

  return {
    insert: (orders) =>
      enqueue(() =>
        writeOnce("oms_db.oms_order_main", orders[0]?.id ?? 0n, (database) => insertOrders(database, prefix, orders)),
      ),
    addWmsRows(orderId) {
      batch ??= startBatch();
      batch.ids.push(orderId);
      return batch.done;
    },
    close() {
      closed = true;
      void connection?.then((open) => open.destroy()).catch(() => {});
    },
  };

  function startBatch() {
    const ids: bigint[] = [];
    const done = sleep(BATCH_MS).then(() => {
      batch = undefined;
      return enqueue(() =>
        writeOnce("wmsindb.oms_gift_cust_record", ids[0] ?? 0n, (database) => insertWmsRows(database, prefix, ids)),
      );
    });
    return { ids, done };
  }
}
