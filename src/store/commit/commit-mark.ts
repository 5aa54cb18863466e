import { literal } from "../mysql/literals.ts";
import { type Rows, rowsOf } from "./session.ts";
import type { Tables } from "./tables.ts";

/**
 * Each lane of each committer has one row that says which of its batches was the last to be committed; it is written in the batch's
 * own transaction. When a COMMIT has no answer, it tells whether it happened: for every kind of request, with or without request id.
 */
export interface CommitMark {
  readonly lane: string;
  readonly batch: bigint;
}

/** Marks of servers that ended without clearing up are deleted after so many days. */
const KEEP_DAYS = 1;

/** Has to come right after the insert into the outbox: last_insert_id() is the id of its first row. */
export function writeMark({ mark }: Tables, { lane, batch }: CommitMark, hasEvents: boolean, time: string): string {
  return (
    `insert into ${mark} (lane, batch, first_outbox_id, record_time)` +
    ` values (${literal(lane)}, ${batch}, ${hasEvents ? "last_insert_id()" : 0}, ${time}) on duplicate key update` +
    " batch = values(batch), first_outbox_id = values(first_outbox_id), record_time = values(record_time)"
  );
}

export function readMark({ mark }: Tables, lane: string): string {
  return `select batch, first_outbox_id from ${mark} where lane = ${literal(lane)}`;
}

export function toMark(result: Rows | undefined): { batch: bigint; firstOutboxId: bigint } | undefined {
  const [row] = rowsOf<{ batch: string; first_outbox_id: string }>(result);
  return row && { batch: BigInt(row.batch), firstOutboxId: BigInt(row.first_outbox_id) };
}

/** At the end of a lane: its own mark, and what others left. */
export function clearMarks({ mark }: Tables, lane: string): string {
  return (
    `delete from ${mark} where lane = ${literal(lane)}` +
    ` or record_time < utc_timestamp(3) - interval ${KEEP_DAYS} day`
  );
}
