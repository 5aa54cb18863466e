import { sql } from "kysely";
import { Status } from "../../../src/domain/state-machine.ts";
import type { Cursors, RetentionPeriods, Session, Table } from "../../../src/jobs/retention/pass.ts";
import { createCursors, runPass } from "../../../src/jobs/retention/pass.ts";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import type { ActionState } from "../../../src/store/schema.ts";
import { insertOrder } from "../store/fixture.ts";

export const DAY_MS = 86_400_000;

/** Rows are deleted after 30 days. */
export const PERIODS: RetentionPeriods = { historyMs: 30 * DAY_MS, requestLogMs: 30 * DAY_MS };

/** A time on the database's clock. */
export async function daysAgo(db: OrderDatabase, days: number): Promise<Date> {
  await db.clock.sync();
  return new Date(db.clock.now().getTime() - days * DAY_MS);
}

/** The past of an order, as its changes left it. */
export interface Past {
  readonly status?: Status;
  /** Age of each change, in days. */
  readonly changes?: readonly number[];
  /** State of the last change's only ledger row; the earlier ones are DONE. */
  readonly lastState?: ActionState;
  /** Age of the last Action's end, in days. */
  readonly finished?: number;
}

/** Inserts an order that, by default, can be purged completely. */
export async function insertPast(db: OrderDatabase, past: Past = {}): Promise<bigint> {
  const { status = Status.DELIVERED, changes = [42, 41, 40], lastState = "DONE" } = past;
  const orderId = await insertOrder(db, { status });
  const times = await Promise.all(changes.map((days) => daysAgo(db, days)));
  await db
    .updateTable("oms_db.oms_order_status")
    .set({ version: changes.length, update_date: times.at(-1) ?? null })
    .where("order_id", "=", orderId)
    .execute();
  for (const [index, time] of times.entries()) {
    const version = index + 1;
    const last = version === times.length;
    const state = last ? lastState : "DONE";
    const ended = last && past.finished !== undefined ? await daysAgo(db, past.finished) : time;
    await insertHistory(db, orderId, version, time);
    await db
      .insertInto("oms_db.oms_action_ledger")
      .values({
        message_id: `${orderId}-${version}`,
        action: "e-invoice",
        order_id: orderId,
        outbox_id: 0n,
        state,
        first_time: time,
        finish_time: state === "PENDING" || state === "RETRYING" ? null : ended,
      })
      .execute();
  }
  return orderId;
}

export async function insertHistory(db: OrderDatabase, orderId: bigint, version: number, time: Date): Promise<void> {
  await db
    .insertInto("oms_db.oms_status_history")
    .values({
      order_id: orderId,
      version,
      from_status: Status.CREATED,
      to_status: Status.PAID,
      outcome: "APPLIED",
      occur_time: time,
      record_time: time,
      caller: "wms",
      operator: "li",
      request_id: `${orderId}-r${version}`,
      remark: "",
      traceparent: "",
    })
    .execute();
}

export async function insertRequest(db: OrderDatabase, requestId: string, orderId: bigint, time: Date): Promise<void> {
  await db
    .insertInto("oms_db.oms_request")
    .values({
      request_id: Buffer.from(requestId),
      digest: Buffer.alloc(20),
      answer: "{}",
      order_id: orderId,
      record_time: time,
    })
    .execute();
}

/** Numbers of an order's rows. */
export async function countRows(db: OrderDatabase, orderId: bigint) {
  const count = async (table: string) => {
    const { rows } = await sql<{ count: bigint }>`
      select count(*) as count from ${sql.table(table)} where order_id = ${orderId}`.execute(db);
    return Number(rows[0]?.count);
  };
  return {
    history: await count("oms_db.oms_status_history"),
    ledger: await count("oms_db.oms_action_ledger"),
    requests: await count("oms_db.oms_request"),
  };
}

/**
 * One pass without rests; `afterStep` sees the tables as a crash at that point would leave them.
 */
export async function passOnce(
  session: Session,
  {
    periods = PERIODS,
    cursors = createCursors(),
    afterStep = async () => {},
  }: { periods?: RetentionPeriods; cursors?: Cursors; afterStep?: () => Promise<void> } = {},
): Promise<Record<Table, number>> {
  const deleted: Record<Table, number> = { history: 0, ledger: 0, request: 0, request_log: 0 };
  await runPass({
    session,
    periods,
    cursors,
    async step(work) {
      const result = await work();
      await afterStep();
      return result;
    },
    onDeleted(table, rows) {
      deleted[table] += rows;
    },
  });
  return deleted;
}
