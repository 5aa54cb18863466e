import { type Kysely, sql } from "kysely";
import { type StatusChanged, statusMessageId } from "../../domain/events.ts";
import type { Database } from "../schema.ts";

/** A row of an order's history. */
export interface HistoryEntry {
  /** Grows with time. */
  readonly id: bigint;
  readonly orderId: bigint;
  readonly version: number;
  readonly fromStatus: number;
  readonly toStatus: number;
  readonly outcome: "applied" | "stale";
  readonly occurTime: Date;
  readonly recordTime: Date;
  readonly caller: string;
  readonly operator: string;
  readonly authenticatedOperator: string;
  readonly requestId: string;
  readonly remark: string;
  /** "" for a stale report. */
  readonly messageId: string;
}

/** Maximum number of orders in one query of changes. */
const CHUNK = 1_000;

/** The order's history, oldest first. */
export async function readHistory(
  db: Kysely<Database>,
  orderId: bigint,
  { afterId, limit }: { readonly afterId: bigint; readonly limit: number },
): Promise<HistoryEntry[]> {
  const rows = await db
    .selectFrom("oms_db.oms_status_history")
    .selectAll()
    .where("order_id", "=", orderId)
    .where("id", ">", afterId)
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    orderId: row.order_id,
    version: row.version,
    fromStatus: row.from_status,
    toStatus: row.to_status,
    outcome: row.outcome === "APPLIED" ? "applied" : "stale",
    occurTime: row.occur_time,
    recordTime: row.record_time,
    caller: row.caller,
    operator: row.operator,
    authenticatedOperator: row.authenticated_operator,
    requestId: row.request_id,
    remark: row.remark,
    messageId: row.outcome === "APPLIED" ? statusMessageId(row.order_id, row.version) : "",
  }));
}

/** The changes after a version, for many orders; by order and version. */
export async function readChangesSince(
  db: Kysely<Database>,
  versions: ReadonlyMap<bigint, number>,
): Promise<StatusChanged[]> {
  const wanted = [...versions];
  const changes: StatusChanged[] = [];
  for (let start = 0; start < wanted.length; start += CHUNK) {
    changes.push(...(await readChunk(db, wanted.slice(start, start + CHUNK))));
  }
  return changes;
}

/**
 * The changes with these message ids (at most a thousand), by order and version. Ids of other
 * events and of purged changes are left out.
 */
export async function readChanges(db: Kysely<Database>, messageIds: readonly string[]): Promise<StatusChanged[]> {
  const wanted = messageIds.filter((id) => STATUS_MESSAGE_ID.test(id)).map((id) => id.split("-"));
  if (wanted.length === 0) {
    return [];
  }
  const { rows } = await sql<ChangeRow>`
    select ${CHANGE_COLUMNS}
    from json_table(${JSON.stringify(wanted)}, '$[*]' columns (order_id bigint path '$[0]', version int path '$[1]')) d
    straight_join ${sql.table("oms_db.oms_status_history")} h on h.order_id = d.order_id and h.version = d.version
    ${JOIN_ORDER}
    where h.outcome = 'APPLIED'
    order by h.order_id, h.version`.execute(db);
  return rows.map(toChange);
}

/** Format of `statusMessageId`. */
const STATUS_MESSAGE_ID = /^\d{1,19}-\d{1,9}$/;

async function readChunk(
  db: Kysely<Database>,
  wanted: readonly (readonly [bigint, number])[],
): Promise<StatusChanged[]> {
  const json = JSON.stringify(wanted.map(([orderId, version]) => [String(orderId), version]));
  const { rows } = await sql<ChangeRow>`
    select ${CHANGE_COLUMNS}
    from json_table(${json}, '$[*]' columns (order_id bigint path '$[0]', version int path '$[1]')) d
    straight_join ${sql.table("oms_db.oms_status_history")} h on h.order_id = d.order_id and h.version > d.version
    ${JOIN_ORDER}
    where h.outcome = 'APPLIED'
    order by h.order_id, h.version`.execute(db);
  return rows.map(toChange);
}

/**
 * Columns of a `ChangeRow`, from history row `h` and the order's rows `m` and `s` of `JOIN_ORDER`.
 */
export const CHANGE_COLUMNS = sql`h.*, m.root_parent_id, m.order_source, m.order_type, s.warehouse_count`;

/** Joins the order's rows to history row `h`. */
export const JOIN_ORDER = sql`
  straight_join ${sql.table("oms_db.oms_order_main")} m on m.order_id = h.order_id
  straight_join ${sql.table("oms_db.oms_order_status")} s on s.order_id = h.order_id`;

/** The change as its event contained it. */
export function toChange(row: ChangeRow): StatusChanged {
  return {
    type: "status-changed",
    messageId: statusMessageId(row.order_id, row.version),
    orderId: row.order_id,
    rootParentId: BigInt(row.root_parent_id ?? 0),
    orderSource: Number(row.order_source),
    orderType: Number(row.order_type),
    recordTime: row.record_time,
    caller: row.caller,
    operator: row.operator,
    authenticatedOperator: row.authenticated_operator,
    traceparent: row.traceparent,
    fromStatus: row.from_status,
    toStatus: row.to_status,
    version: row.version,
    occurTime: row.occur_time,
    requestId: row.request_id,
    remark: row.remark,
    warehouseCount: row.warehouse_count,
  };
}

/** An applied history row, with the columns of its order. */
export interface ChangeRow {
  readonly warehouse_count: number;
  readonly order_id: bigint;
  readonly version: number;
  readonly from_status: number;
  readonly to_status: number;
  readonly occur_time: Date;
  readonly record_time: Date;
  readonly caller: string;
  readonly operator: string;
  readonly authenticated_operator: string;
  readonly request_id: string;
  readonly remark: string;
  readonly traceparent: string;
  readonly root_parent_id: bigint | null;
  readonly order_source: number | null;
  readonly order_type: number | null;
}
