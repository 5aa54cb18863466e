import { sql, type Transaction } from "kysely";
import type { Database, InterventionKind } from "../schema.ts";

/** What a person does about an Action, and why. */
export interface Intervention {
  readonly kind: InterventionKind;
  readonly action: string;
  /** Which events are meant, for people; "" for pause and resume. */
  readonly selection: string;
  readonly caller: string;
  readonly operator: string;
  readonly reason: string;
  /** Where it has been written down already, and concerns further events: its id. */
  readonly id?: bigint | undefined;
}

/** What came of an intervention in one transaction. */
export interface InterventionResult {
  /** How many events it concerned there. */
  readonly count: number;
  /** Where it is written down; undefined where it has concerned nothing so far. */
  readonly interventionId: bigint | undefined;
}

/** Characters that the column selection holds. */
const MAX_SELECTION_LENGTH = 1_024;

/** Writes down who did what and why, or that it concerned so many events more. Returns its id. */
export async function writeIntervention(
  trx: Transaction<Database>,
  { kind, action, selection, caller, operator, reason, id }: Intervention,
  affected: number,
): Promise<bigint> {
  if (id !== undefined) {
    await trx
      .updateTable("oms_db.oms_intervention")
      .set({ affected: sql`affected + ${affected}` })
      .where("id", "=", id)
      .execute();
    return id;
  }
  const { insertId } = await trx
    .insertInto("oms_db.oms_intervention")
    .values({
      kind,
      action,
      selection: selection.slice(0, MAX_SELECTION_LENGTH).toWellFormed(),
      affected,
      caller,
      operator,
      reason,
      record_time: sql`now(3)`,
    })
    .executeTakeFirstOrThrow();
  return insertId as bigint;
}
