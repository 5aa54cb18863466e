import type { Kysely } from "kysely";
import type { Database, InterventionKind } from "../schema.ts";

/** What a person did about an Action, and why. */
export interface InterventionRow {
  /** Grows with time. */
  readonly id: bigint;
  readonly kind: InterventionKind;
  readonly action: string;
  /** Which events were meant, for people; "" for pause and resume. */
  readonly selection: string;
  /** How many events it concerned. */
  readonly affected: number;
  readonly caller: string;
  readonly operator: string;
  readonly reason: string;
  readonly time: Date;
}

/**
 * What people did, newest first.
 *
 * @param action undefined for all
 * @param below only with a lower id; undefined from the newest on
 */
export async function readInterventions(
  db: Kysely<Database>,
  {
    action,
    below,
    limit,
  }: { readonly action: string | undefined; readonly below: bigint | undefined; readonly limit: number },
): Promise<InterventionRow[]> {
  const rows = await db
    .selectFrom("oms_db.oms_intervention")
    .selectAll()
    .$if(action !== undefined, (query) => query.where("action", "=", action as string))
    .$if(below !== undefined, (query) => query.where("id", "<", below as bigint))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ record_time, ...row }) => ({ ...row, time: record_time }));
}
