import type { Kysely } from "kysely";
import { idList } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";

/** Those of the orders that come from these sources. Takes no lock and waits for none. */
export async function readOrdersOfSources(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  sources: ReadonlySet<number>,
): Promise<ReadonlySet<bigint>> {
  if (orderIds.length === 0) {
    return new Set();
  }
  const rows = await db
    .selectFrom("oms_db.oms_order_main")
    .select("order_id")
    .where("order_id", "in", idList(orderIds))
    .where("order_source", "in", [...sources])
    .execute();
  return new Set(rows.map(({ order_id }) => order_id));
}
