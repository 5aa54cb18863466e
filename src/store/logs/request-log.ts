import { setTimeout as sleep } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import { classifyFailure } from "../mysql/failures.ts";
import { type Literal, valuesClause } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";

/** A call that may change something, or came by an old address. */
export interface RequestLogRow {
  readonly callId: string;
  /** The RPC's name, for example "UpdateOrderStatus". */
  readonly rpc: string;
  /** The old system's method by which it came; empty where the RPC itself was called. */
  readonly legacyMethod: string;
  readonly caller: string;
  readonly operator: string;
  /** The first order the call names; 0 where it names none. */
  readonly orderId: bigint;
  readonly requestId: string;
  /** The RPC's code, for example "OK". */
  readonly code: string;
  readonly durationMs: number;
  readonly recordTime: Date;
  readonly traceparent: string;
}

export interface RequestLog {
  /** Returns at once; written in the background. */
  write(row: RequestLogRow): void;
  /** Writes what is left; what cannot be written now is dropped. */
  close(): Promise<void>;
}

/** Rows that one insert takes. */
const MAX_BATCH = 500;

/** Rows that may wait, about 5 MB: what comes on top while the database is away is dropped. */
const MAX_WAITING = 20_000;

/** How long to wait for company and after a failure, in milliseconds: nobody waits for these rows. */
const PAUSE_MS = 50;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** The log of all changing calls, and of all by old addresses: beside their way, so that it costs them nothing, and bounded. */
export function createRequestLog({
  db,
  onDropped,
}: {
  readonly db: Kysely<Database>;
  /** So many rows were given up because the database was away for too long. */
  readonly onDropped: (count: number) => void;
}): RequestLog {
  let waiting: RequestLogRow[] = [];
  let closing = false;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      const written = await writeRows(db, batch);
      if (written === undefined && closing) {
        break;
      }
      if (written === undefined) {
        await sleep(PAUSE_AFTER_FAILURE_MS);
        continue;
      }
      waiting = waiting.slice(batch.length);
      if (written < batch.length) {
        onDropped(batch.length - written);
      }
    }
    running = undefined;
  }

  return {
    write(row) {
      if (waiting.length >= MAX_WAITING) {
        onDropped(1);
        return;
      }
      waiting.push(row);
      running ??= sleep(PAUSE_MS).then(run);
    },
    async close() {
      closing = true;
      await running;
      if (waiting.length > 0) {
        onDropped(waiting.length);
        waiting = [];
      }
    },
  };
}

/** How many rows are written: all but those that the table does not take; undefined where the database is away. */
async function writeRows(db: Kysely<Database>, rows: readonly RequestLogRow[]): Promise<number | undefined> {
  try {
    await sql`insert into ${sql.table("oms_db.oms_request_log")} ${sql.raw(valuesClause(COLUMNS, rows.map(toValues)))}`.execute(
      db,
    );
    return rows.length;
  } catch (error) {
    if (classifyFailure(error) !== "statement") {
      return undefined;
    }
    if (rows.length === 1) {
      return 0;
    }
    const middle = Math.ceil(rows.length / 2);
    const written = await Promise.all([writeRows(db, rows.slice(0, middle)), writeRows(db, rows.slice(middle))]);
    return written.reduce<number>((sum, count) => sum + (count ?? 0), 0);
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
  ];
}
