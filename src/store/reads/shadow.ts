import type { Kysely } from "kysely";
import type { Database, ShadowDifferenceKind } from "../schema.ts";

/** Results of comparing a legacy method's answers with the legacy system's. */
export interface ShadowMethodRow {
  readonly method: string;
  readonly same: bigint;
  readonly different: bigint;
  /** The legacy system gave no answer. */
  readonly failed: bigint;
  /** Not compared, as too many comparisons were running. */
  readonly skipped: bigint;
  readonly lastTime: Date;
}

/** A difference between our answer and the legacy system's. */
export interface ShadowDifferenceRow {
  /** Grows with time. */
  readonly id: bigint;
  readonly method: string;
  readonly field: string;
  readonly kind: ShadowDifferenceKind;
  readonly ours: string;
  readonly theirs: string;
  /** 0 if the call named none. */
  readonly orderId: bigint;
  readonly caller: string;
  readonly callId: string;
  readonly time: Date;
}

/** All legacy methods that were compared, by name. */
export async function readShadowMethods(db: Kysely<Database>): Promise<ShadowMethodRow[]> {
  const rows = await db.selectFrom("oms_db.oms_shadow_total").selectAll().orderBy("method").execute();
  return rows.map((row) => ({
    method: row.method,
    same: row.same_count,
    different: row.different_count,
    failed: row.failed_count,
    skipped: row.skipped_count,
    lastTime: row.last_time,
  }));
}

/**
 * The recorded differences, newest first.
 *
 * @param method undefined for all
 * @param below only rows with a lower id; undefined starts at the newest
 */
export async function readShadowDifferences(
  db: Kysely<Database>,
  {
    method,
    below,
    limit,
  }: { readonly method: string | undefined; readonly below: bigint | undefined; readonly limit: number },
): Promise<ShadowDifferenceRow[]> {
  const rows = await db
    .selectFrom("oms_db.oms_shadow_difference")
    .selectAll()
    .$if(method !== undefined, (query) => query.where("method", "=", method as string))
    .$if(below !== undefined, (query) => query.where("id", "<", below as bigint))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ order_id, call_id, record_time, ...row }) => ({
    ...row,
    orderId: order_id,
    callId: call_id,
    time: record_time,
  }));
}
