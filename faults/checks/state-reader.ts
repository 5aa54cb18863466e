import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Kind, Order } from "../../tools/demo/orders.ts";
import type { Received } from "../../tools/devstack/stub-systems/received.ts";
import type { StockSums } from "../../tools/devstack/stub-systems/stock.ts";
import type { BackendAddresses } from "../types.ts";
import { createOrderJournal, type Journal, type OrderJournal } from "../workload/journal.ts";
import type { HistoryRow, LedgerRow, OrderFacts } from "./facts.ts";

/** Number of orders read at a time. */
const CHUNK = 1_000;

/** More requests than the stub systems can have received. */
const ALL = 1_000_000_000;

/** Reads the state of database, stub systems and gateway. */
export interface StateReader {
  /** Open ledger entries, without timers that are not due, and unpublished events. */
  countOpen(): Promise<{ readonly runs: number; readonly events: number }>;
  countOrders(): Promise<number>;
  /**
   * Children of split orders and orders of unanswered submissions that the workload does not know.
   */
  findUnknownOrders(journal: Journal): Promise<OrderJournal[]>;
  /** All facts about these orders. */
  read(journals: readonly OrderJournal[], journal: Journal): AsyncGenerator<OrderFacts>;
  stock(): Promise<StockSums>;
  close(): Promise<void>;
}

type Row = Record<string, string | number | null>;

export async function openStateReader({ mysqlUrl, prefix, stubSystemsUrl }: BackendAddresses): Promise<StateReader> {
  const connection: Connection = await createConnection({
    uri: mysqlUrl,
    timezone: "Z",
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  });
  const select = async (sql: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const [rows] = await connection.query<RowDataPacket[]>(sql.replaceAll("$", prefix), values as unknown[]);
    return rows as Row[];
  };
  /** Rows by order. */
  const byOrder = async (sql: string, ids: readonly string[]) =>
    Map.groupBy(ids.length === 0 ? [] : await select(sql, [ids]), (row) => String(row.order_id));
  const get = async (path: string) => (await fetch(`${stubSystemsUrl}${path}`)).json();

  async function linesOf(ids: readonly string[]): Promise<Map<string, Order["lines"]>> {
    const rows = await byOrder(
      "select order_id, sku_id, quantity, warehouse_id from $oms_db.oms_order_line where order_id in (?)",
      ids,
    );
    return new Map(
      [...rows].map(([id, lines]) => [
        id,
        lines.map((line) => ({
          skuId: BigInt(line.sku_id ?? 0),
          quantity: Number(line.quantity),
          warehouseId: BigInt(line.warehouse_id ?? 0),
        })),
      ]),
    );
  }

  async function readChunk(
    journals: readonly OrderJournal[],
    received: ReadonlyMap<string, Received[]>,
    settlements: ReadonlyMap<string, Row[]>,
    { gateway }: Journal,
  ): Promise<OrderFacts[]> {
    const ids = journals.map(({ order }) => String(order.id));
    const rows = await byOrder(
      "select order_id, order_status, version, is_pause from $oms_db.oms_order_status where order_id in (?)",
      ids,
    );
    const history = await byOrder(
      `select id, order_id, version, from_status, to_status, outcome, caller, request_id
       from $oms_db.oms_status_history where order_id in (?) order by id`,
      ids,
    );
    const ledger = await byOrder(
      `select order_id, message_id, action, state, attempts_started, last_error, forgiven_attempts, intervention_id,
         unix_timestamp(first_time) * 1000 as first_ms, unix_timestamp(finish_time) * 1000 as finish_ms,
         timestampdiff(microsecond, utc_timestamp(3), next_attempt_time) / 1000 as due_ms
       from $oms_db.oms_action_ledger where order_id in (?) order by id`,
      ids,
    );
    const gifts = await byOrder(
      "select order_id, gift_status from $wmsindb.oms_gift_cust_record where order_id in (?)",
      ids,
    );
    const cancels = await byOrder(
      "select order_id, cancel_id, state from $oms_db.oms_cancel_request where order_id in (?)",
      ids,
    );
    const returns = await byOrder(
      `select r.order_id, r.return_id, sum(d.quantity) as pieces from $oms_db.oms_return_request r
       left join $ordercancel_db.order_return_detail d on d.return_id = r.return_id and d.order_id = r.order_id
       where r.order_id in (?) group by r.order_id, r.return_id`,
      ids,
    );
    return journals.map((journal, index) => {
      const id = ids[index] as string;
      const row = rows.get(id)?.[0];
      return {
        journal,
        row: row && {
          status: Number(row.order_status),
          version: Number(row.version),
          paused: Number(row.is_pause) === 1,
        },
        history: (history.get(id) ?? []).map(toHistory),
        ledger: (ledger.get(id) ?? []).map(toLedger),
        settlements: (settlements.get(id) ?? []).map((one) => ({
          messageId: String(one.message_id),
          status: Number(one.order_status),
        })),
        gifts: (gifts.get(id) ?? []).map(({ gift_status }) => Number(gift_status)),
        received: received.get(id) ?? [],
        notifications: gateway.log.byOrder.get(id) ?? [],
        cancels: (cancels.get(id) ?? []).map((one) => ({ cancelId: String(one.cancel_id), state: String(one.state) })),
        returns: (returns.get(id) ?? []).map((one) => ({
          returnId: String(one.return_id),
          pieces: Number(one.pieces),
        })),
      };
    });
  }

  return {
    async countOpen() {
      const [runs] = await select(
        `select count(*) as open from $oms_db.oms_action_ledger where state in ('PENDING', 'RETRYING')
         and not (action in ('payment-timeout', 'cancel-time-limit') and next_attempt_time > utc_timestamp(3))`,
      );
      const [events] = await select("select count(*) as open from $oms_db.oms_outbox where published = 0");
      return { runs: Number(runs?.open ?? 0), events: Number(events?.open ?? 0) };
    },
    async countOrders() {
      const [row] = await select("select count(*) as orders from $oms_db.oms_order_main");
      return Number(row?.orders ?? 0);
    },
    async findUnknownOrders({ orders, unknownSubmissions }) {
      const found: OrderJournal[] = [];
      const add = async (rows: readonly Row[], make: (order: Order, row: Row) => OrderJournal) => {
        const unknown = rows.filter(({ order_id }) => !orders.has(String(order_id)));
        const lines = await linesOf(unknown.map(({ order_id }) => String(order_id)));
        for (const row of unknown) {
          found.push(make(toOrder(row, lines.get(String(row.order_id)) ?? []), row));
        }
      };
      const columns = "m.order_id, m.parent_id, m.order_source, m.order_type";
      for (const call of unknownSubmissions) {
        const rows = await select(
          `select ${columns} from $oms_db.oms_request r join $oms_db.oms_order_main m on m.order_id = r.order_id where r.request_id = ?`,
          [call.requestId],
        );
        await add(rows, (order) => {
          const journal = createOrderJournal(order, "submitted");
          journal.calls.push(call);
          return journal;
        });
      }
      const parents = [...orders.values(), ...found].filter(({ origin }) => origin === "submitted");
      for (let at = 0; at < parents.length; at += CHUNK) {
        const ids = parents.slice(at, at + CHUNK).map(({ order }) => String(order.id));
        const rows = await select(`select ${columns} from $oms_db.oms_order_main m where m.parent_id in (?)`, [ids]);
        await add(rows, (order, { parent_id }) => {
          // Its type is overwritten on cancellation; its kind is that of its parent.
          const parent = orders.get(String(parent_id))?.order;
          return createOrderJournal(parent === undefined ? order : { ...order, kind: parent.kind }, "split");
        });
      }
      return found;
    },
    async *read(journals, journal) {
      const { received } = (await get(`/received?limit=${ALL}`)) as { received: Received[] };
      // The response is in descending order.
      const receivedBy = Map.groupBy(received.reverse(), ({ orderId }) => orderId);
      const settlements = Map.groupBy(
        await select("select order_id, message_id, order_status from $oms_db.oms_order_status_rule order by id"),
        ({ order_id }) => String(order_id),
      );
      for (let at = 0; at < journals.length; at += CHUNK) {
        yield* await readChunk(journals.slice(at, at + CHUNK), receivedBy, settlements, journal);
      }
    },
    stock: async () => (await get("/stock")) as StockSums,
    close: () => connection.end(),
  };
}

function toHistory(row: Row): HistoryRow {
  return {
    id: Number(row.id),
    version: Number(row.version),
    fromStatus: Number(row.from_status),
    toStatus: Number(row.to_status),
    outcome: row.outcome as HistoryRow["outcome"],
    caller: String(row.caller),
    requestId: String(row.request_id),
  };
}

function toLedger(row: Row): LedgerRow {
  return {
    messageId: String(row.message_id),
    action: String(row.action),
    state: row.state as LedgerRow["state"],
    attempts: Number(row.attempts_started),
    lastError: String(row.last_error ?? ""),
    firstTime: Number(row.first_ms),
    finishTime: row.finish_ms === null ? undefined : Number(row.finish_ms),
    dueInMs: row.due_ms === null ? undefined : Number(row.due_ms),
    redriven: row.intervention_id !== null || Number(row.forgiven_attempts) > 0,
  };
}

function toOrder(row: Row, lines: Order["lines"]): Order {
  const [source, type] = [Number(row.order_source), Number(row.order_type)];
  return { id: BigInt(row.order_id ?? 0), kind: kindOf(source, type), source, type, isParent: false, lines };
}

/** Kind of an order, by the service's default numbers. */
function kindOf(source: number, type: number): Kind {
  const byType: Readonly<Record<number, Kind>> = { 21: "enterprise", 31: "recharge card", 32: "iQIYI recharge" };
  const bySource: Readonly<Record<number, Kind>> = {
    1010: "replenishment",
    10010: "replenishment",
    2001: "marketplace",
    2002: "marketplace",
    2003: "marketplace",
  };
  return byType[type] ?? bySource[source] ?? "ordinary";
}
