import type { CompiledQuery, Kysely } from "kysely";
import type { LegacyMainColumns } from "../../domain/legacy-columns.ts";
import { type Read, readOf } from "../mysql/read.ts";
import type { Database } from "../schema.ts";
import { isSet } from "./order-row.ts";

/** The values of legacy columns of `oms_order_main`, at the time of a change. */
export function legacyMainValues({ modify_date, ...columns }: LegacyMainColumns, now: Date) {
  return modify_date === undefined ? columns : { ...columns, modify_date: now };
}

/** Marks a split order. */
export function markParent(db: Kysely<Database>, orderId: bigint, now: Date): CompiledQuery {
  return updateMain(db, orderId, { is_parent: 1 }, now);
}

/** Sets the refund mark. */
export function markRefund(db: Kysely<Database>, orderId: bigint, now: Date): CompiledQuery {
  return updateMain(db, orderId, { is_refund: 1 }, now);
}

function updateMain(
  db: Kysely<Database>,
  orderId: bigint,
  values: { readonly is_parent: number } | { readonly is_refund: number },
  now: Date,
): CompiledQuery {
  return db
    .updateTable("oms_db.oms_order_main")
    .set({ ...values, update_date: now })
    .where("order_id", "=", orderId)
    .compile();
}

/** Whether the order has the refund mark. */
export function refundMark(db: Kysely<Database>, orderId: bigint): Read<boolean> {
  const query = db.selectFrom("oms_db.oms_order_main").select("is_refund").where("order_id", "=", orderId);
  return readOf(query.compile(), ([row]) => isSet(row?.is_refund ?? null));
}
