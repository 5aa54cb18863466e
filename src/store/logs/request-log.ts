import { type Kysely, sql } from "kysely";
import { createBackgroundWriter } from "../../lib/background-writer.ts";
import { classifyFailure } from "../mysql/errors.ts";
import { type Literal, valuesClause } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";

/** A call that can change something, or came through a legacy endpoint. */
export interface RequestLogRow {
  readonly callId: string;
  /** The RPC's name, for example "UpdateOrderStatus". */
  readonly rpc: string;
  /** The legacy method; "" where the RPC itself was called. */
  readonly legacyMethod: string;
  readonly caller: string;
  readonly operator: string;
  readonly authenticatedOperator: string;
  /** The first order in the request; 0 where it names none. */
  readonly orderId: bigint;
  readonly requestId: string;
  /** The RPC's status code, for example "OK". */
  readonly code: string;
  readonly durationMs: number;
  readonly recordTime: Date;
  readonly traceparent: string;
}

export interface RequestLog {
  /** Returns at once; the row is written in the background. */
  write(row: RequestLogRow): void;
  /** Writes what is left; drops what cannot be written now. */
  close(): Promise<void>;
}

/** Maximum number of rows in one insert. */
const MAX_BATCH = 500;

/** Maximum number of buffered rows, about 5 MB; further ones are dropped. */
const MAX_BUFFERED = 20_000;

/** Delay in milliseconds in which rows are collected for one insert. */
const COLLECT_MS = 50;

/** Delay after a failed insert, in milliseconds. */
const RETRY_MS = 1_000;

/** Records all changing calls and all legacy calls in the background: no call waits for its row. */
export function createRequestLog({
  db,
  onDropped,
}: {
  readonly db: Kysely<Database>;
  /**
   * Receives the number of rows that were dropped: the buffer was full, or the table rejected them.
   */
  readonly onDropped: (count: number) => void;
}): RequestLog {
  let buffered: RequestLogRow[] = [];

  const writer = createBackgroundWriter(
    async () => {
      const batch = buffered.slice(0, MAX_BATCH);
      const written = await insertRows(db, batch);
      buffered = buffered.slice(batch.length);
      if (written < batch.length) {
        onDropped(batch.length - written);
      }
      return buffered.length > 0;
    },
    { delayMs: COLLECT_MS, retryMs: RETRY_MS },
  );

  return {
    write(row) {
      if (buffered.length >= MAX_BUFFERED) {
        onDropped(1);
        return;
      }
      buffered.push(row);
      writer.schedule();
    },
    async close() {
      await writer.close();
      if (buffered.length > 0) {
        onDropped(buffered.length);
        buffered = [];
      }
    },
  };
}

/**
 * Inserts the rows, halving the batch to leave out those that the table rejects.
 *
 * @returns the number of rows written
 * @throws the error of the first insert, when the database is unavailable
 */
async function insertRows(db: Kysely<Database>, rows: readonly RequestLogRow[]): Promise<number> {
  try {
    const values = sql.raw(valuesClause(COLUMNS, rows.map(toValues)));
    await sql`insert into ${sql.table("oms_db.oms_request_log")} ${values}`.execute(db);
    return rows.length;
  } catch (error) {
    if (classifyFailure(error) !== "statement") {
      throw error;
    }
    if (rows.length === 1) {
      return 0;
    }
    const middle = Math.ceil(rows.length / 2);
    const halves = [rows.slice(0, middle), rows.slice(middle)];
    // A half that fails because the database became unavailable is not retried: the other may be
    // written.
    const written = await Promise.all(halves.map((half) => insertRows(db, half).catch(() => 0)));
    return written.reduce((sum, count) => sum + count, 0);
  }
}

const COLUMNS = [
  "call_id",
  "rpc",
  "old_method",
  "caller",
  "operator",
  "order_id",
  "request_id",
  "code",
  "duration_ms",
  "record_time",
  "traceparent",
  "authenticated_operator",
] as const;

function toValues(row: RequestLogRow): Literal[] {
  return [
    row.callId,
    row.rpc,
    row.legacyMethod,
    row.caller,
    row.operator,
    row.orderId,
    row.requestId,
    row.code,
    Math.round(row.durationMs),
    row.recordTime,
    row.traceparent,
    row.authenticatedOperator,
  ];
}
