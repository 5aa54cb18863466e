import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Line } from "./orders.ts";

/** Queries of the demo: one connection, ids as strings. */
export async function openDatabase(url: string, prefix: string) {
  const connection: Connection = await createConnection({
    uri: url,
    timezone: "Z",
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const select = async <Row extends object>(sql: string, range: Range): Promise<Row[]> => {
    const [rows] = await connection.query<(Row & RowDataPacket)[]>(sql.replaceAll("$", prefix), [
      String(range.first),
      String(range.last),
    ]);
    return rows;
  };
  return {
    connection,
    close: () => connection.end(),
    /** All changes of the orders as "<order id>-<version>", and the number of late reports. */
    async history(range: Range): Promise<{ changes: string[]; late: number }> {
      const rows = await select<{ order_id: string; version: number; outcome: string }>(
        "select order_id, version, outcome from $oms_db.oms_status_history where order_id between ? and ?",
        range,
      );
      const changes = rows.filter(({ outcome }) => outcome === "APPLIED");
      return {
        changes: changes.map(({ order_id, version }) => `${order_id}-${version}`),
        late: rows.length - changes.length,
      };
    },
    /** Number of ledger entries that are not done, without timers. */
    async openEntries(range: Range): Promise<number> {
      const rows = await select<{ open: number | string }>(
        "select count(*) as open from $oms_db.oms_action_ledger where order_id between ? and ? and state <> 'DONE' and action not in ('payment-timeout', 'cancel-time-limit')",
        range,
      );
      return Number(rows[0]?.open ?? 0);
    },
    /** All ledger entries. */
    async ledger(range: Range): Promise<LedgerRow[]> {
      return select<LedgerRow>(
        `select message_id as messageId, action, state, last_error as lastError,
           timestampdiff(microsecond, first_time, finish_time) / 1000 as tookMs
         from $oms_db.oms_action_ledger where order_id between ? and ?`,
        range,
      );
    },
    /** The settlement queue with quantities. */
    async settlements(range: Range): Promise<{ orderId: bigint; messageId: string; lines: Line[] }[]> {
      const rows = await select<{ order_id: string; message_id: string | null; settlement_lines: string | null }>(
        "select order_id, message_id, settlement_lines from $oms_db.oms_order_status_rule where order_id between ? and ?",
        range,
      );
      return rows.map(({ order_id, message_id, settlement_lines }) => ({
        orderId: BigInt(order_id),
        messageId: message_id ?? "",
        lines: (JSON.parse(settlement_lines ?? "[]") as { skuId: string; quantity: number }[]).map((line) => ({
          skuId: BigInt(line.skuId),
          quantity: line.quantity,
        })),
      }));
    },
    /** Orders whose gift is marked as granted. */
    async grantedGifts(range: Range): Promise<string[]> {
      const rows = await select<{ order_id: string }>(
        "select order_id from $wmsindb.oms_gift_cust_record where order_id between ? and ? and gift_status = 1",
        range,
      );
      return rows.map(({ order_id }) => order_id);
    },
  };
}

/** A range of order ids, both bounds included. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export interface LedgerRow {
  readonly messageId: string;
  readonly action: string;
  readonly state: string;
  readonly lastError: string | null;
  /** Time from commit to effect, in milliseconds; null while it is open. */
  readonly tookMs: number | string | null;
}
