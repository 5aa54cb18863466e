import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { insertOrders, insertWmsRows, type Order } from "../../tools/demo/orders.ts";
import type { BackendAddresses } from "../types.ts";

/** What other systems write into the old tables; however often the database falls meanwhile, each row once. */
export interface Rows {
  /** Orders at CREATED that nobody brought by SubmitOrder. */
  insert(orders: readonly Order[]): Promise<void>;
  /** The parcel's and the gift's rows of an order. Calls of a moment become one. */
  addWmsRows(orderId: bigint): Promise<void>;
  close(): void;
}

const AGAIN_MS = 200;
const GATHER_MS = 50;

export function openRows({ mysqlUrl, prefix }: BackendAddresses): Rows {
  let connection: Promise<Connection> | undefined;
  let closed = false;
  let gathered: { ids: bigint[]; done: Promise<void> } | undefined;
  /** One transaction after the other. */
  let doing: Promise<void> = Promise.resolve();

  const open = () =>
    createConnection({ uri: mysqlUrl, timezone: "Z", supportBigNumbers: true, bigNumberStrings: true }).then((made) => {
      // It is found broken when it is used.
      made.on("error", () => {});
      return made;
    });

  /** In one transaction, if it is not there yet: a commit whose answer was lost is found out. */
  const once = async (table: string, orderId: bigint, write: (connection: Connection) => Promise<void>) => {
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
        await sleep(AGAIN_MS);
      }
    }
  };

  const inTurn = (work: () => Promise<void>) => {
    doing = doing.then(work);
    return doing;
  };

  return {
    insert: (orders) =>
      inTurn(() =>
        once("oms_db.oms_order_main", orders[0]?.id ?? 0n, (database) => insertOrders(database, prefix, orders)),
      ),
    addWmsRows(orderId) {
      gathered ??= gather();
      gathered.ids.push(orderId);
      return gathered.done;
    },
    close() {
      closed = true;
      void connection?.then((open) => open.destroy()).catch(() => {});
    },
  };

  function gather() {
    const ids: bigint[] = [];
    const done = sleep(GATHER_MS).then(() => {
      gathered = undefined;
      return inTurn(() =>
        once("wmsindb.oms_gift_cust_record", ids[0] ?? 0n, (database) => insertWmsRows(database, prefix, ids)),
      );
    });
    return { ids, done };
  }
}
