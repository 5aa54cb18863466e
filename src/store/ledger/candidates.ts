import { type Kysely, sql } from "kysely";
import { idList, inlineLiteral, textList } from "../mysql/literals.ts";
import type { ActionState, Database } from "../schema.ts";
import type { Candidate } from "./evaluate-claim.ts";
import type { LedgerEntry } from "./types.ts";

/** A ledger row to evaluate, with its entry for the case that it runs. */
export interface ClaimRow extends Candidate {
  readonly entry: LedgerEntry;
  readonly outboxId: bigint;
}

/** Rows by message id and Action, grouped by Action so that the unique index finds each. */
export async function readByMessageIds(
  db: Kysely<Database>,
  pairs: readonly { readonly messageId: string; readonly action: string }[],
): Promise<ClaimRow[]> {
  const byAction = [...Map.groupBy(pairs, ({ action }) => action)];
  const rows = await selectRows(db)
    .where(({ or, and, eb }) =>
      or(
        byAction.map(([action, wanted]) =>
          and([
            eb("l.action", "=", inlineLiteral(action)),
            eb("l.message_id", "in", textList(wanted.map(({ messageId }) => messageId))),
          ]),
        ),
      ),
    )
    .execute();
  return rows.map(toRow);
}

export async function readByIds(db: Kysely<Database>, ids: readonly bigint[]): Promise<ClaimRow[]> {
  const rows = await selectRows(db).where("l.id", "in", idList(ids)).orderBy("l.id").execute();
  return rows.map(toRow);
}

function selectRows(db: Kysely<Database>) {
  return db.selectFrom("oms_db.oms_action_ledger as l").select((eb) => [
    "l.id",
    "l.message_id",
    "l.action",
    "l.order_id",
    "l.outbox_id",
    "l.state",
    "l.attempts_started",
    "l.attempts_finished",
    "l.clean_attempts",
    "l.forgiven_attempts",
    "l.next_attempt_time",
    "l.first_time",
    // All later ones wait for the first open one. Ids grow with the versions of an order, as its
    // row is locked from before they are assigned until the commit.
    eb
      .selectFrom("oms_db.oms_action_ledger as e")
      .select(
        sql<Date>`if(e.attempts_started > 0 and e.attempts_started = e.attempts_finished, e.next_attempt_time, e.first_time)`.as(
          "time",
        ),
      )
      .whereRef("e.order_id", "=", "l.order_id")
      .whereRef("e.action", "=", "l.action")
      .whereRef("e.id", "<", "l.id")
      .where("e.state", "in", sql<ActionState>`('PENDING', 'RETRYING')`)
      .orderBy("e.id")
      .limit(sql.lit(1))
      .as("earlier"),
  ]);
}

type Selected = Awaited<ReturnType<ReturnType<typeof selectRows>["execute"]>>[number];

function toRow(row: Selected): ClaimRow {
  return {
    id: row.id,
    state: row.state,
    started: row.attempts_started,
    finished: row.attempts_finished,
    nextAttemptTime: row.next_attempt_time,
    earlier: row.earlier ?? undefined,
    outboxId: row.outbox_id,
    entry: {
      id: row.id,
      messageId: row.message_id,
      action: row.action,
      orderId: row.order_id,
      attempt: row.attempts_started + 1,
      attemptInRound: row.attempts_started + 1 - row.forgiven_attempts,
      sideEffectFreeAttempts: row.clean_attempts,
      firstTime: row.first_time,
    },
  };
}
