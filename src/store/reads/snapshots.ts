import type { Kysely } from "kysely";
import { createBatcher } from "../../lib/batcher.ts";
import { idList } from "../mysql/literals.ts";
import { isSet } from "../orders/order-row.ts";
import type { Database } from "../schema.ts";

/** An order's current state. */
export interface Snapshot {
  readonly orderId: bigint;
  readonly status: number;
  readonly paused: boolean;
  readonly version: number;
  readonly updateTime: Date;
  /** 0 if the old row has none. */
  readonly rootParentId: bigint;
  /** Ids of its returns, ascending. */
  readonly returnIds: readonly bigint[];
}

/** Default maximum number of orders in one query. */
const MAX_BATCH = 512;

/** The existing ones of the orders, by id. */
export async function readSnapshots(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<Map<bigint, Snapshot>> {
  if (orderIds.length === 0) {
    return new Map();
  }
  const rows = await db
    .selectFrom("oms_db.oms_order_status as s")
    .innerJoin("oms_db.oms_order_main as m", "m.order_id", "s.order_id")
    .leftJoin("ordercancel_db.order_return_detail as r", "r.order_id", "s.order_id")
    .select([
      "s.order_id",
      "s.order_status",
      "s.is_pause",
      "s.version",
      "s.create_date",
      "s.update_date",
      "m.root_parent_id",
      "r.return_id",
    ])
    .where("s.order_id", "in", idList(orderIds))
    .execute();
  const byOrder = Map.groupBy(rows, ({ order_id }) => order_id);
  return new Map([...byOrder].map(([orderId, group]) => [orderId, toSnapshot(orderId, group)]));
}

/** Reads one order; concurrent calls share a query. Undefined if there is no such order. */
export function snapshotReader(
  db: Kysely<Database>,
  maxBatch = MAX_BATCH,
): (orderId: bigint) => Promise<Snapshot | undefined> {
  return createBatcher(
    async (orderIds) => {
      const snapshots = await readSnapshots(db, [...new Set(orderIds)]);
      return orderIds.map((id) => snapshots.get(id));
    },
    { maxBatch },
  );
}

interface Row {
  readonly order_status: number | null;
  readonly is_pause: number | null;
  readonly version: number;
  readonly create_date: Date | null;
  readonly update_date: Date | null;
  readonly root_parent_id: bigint | null;
  readonly return_id: bigint | null;
}

/** @param rows the order's rows, which differ in the return id only */
function toSnapshot(orderId: bigint, rows: readonly Row[]): Snapshot {
  const [row] = rows as [Row];
  const returnIds = new Set(rows.flatMap(({ return_id }) => (return_id === null ? [] : BigInt(return_id))));
  return {
    orderId,
    status: Number(row.order_status),
    paused: isSet(row.is_pause),
    version: row.version,
    updateTime: row.update_date ?? row.create_date ?? new Date(0),
    rootParentId: BigInt(row.root_parent_id ?? 0),
    returnIds: [...returnIds].toSorted((a, b) => (a < b ? -1 : 1)),
  };
}
