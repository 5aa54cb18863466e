import { sql, type Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import { isSampled } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { appendEvents } from "../outbox/append-events.ts";
import type { CommittedEvent } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import { selectOrders } from "./order-row.ts";
import type { ChangeDeps } from "./types.ts";

/** What a change came to, and what others hear of it. */
export interface ChangeResult<Result> {
  readonly result: Result;
  readonly events: readonly OrderEvent[];
}

/**
 * One transaction with its events; tried again as a whole where the database gave way to somebody else, or where the same request id
 * came twice at once. A change whose commit had no answer can be asked for again: each is the same once and twice.
 */
export async function commitChange<Result>(
  deps: ChangeDeps,
  work: (trx: Transaction<Database>, now: Date) => Promise<ChangeResult<Result>>,
): Promise<Result> {
  const begun = performance.now();
  const { result, committed } = await inTransaction(
    deps.db,
    async (trx) => {
      const { result, events } = await work(trx, deps.db.clock.now());
      return { result, committed: await appendEvents(trx, events, deps) };
    },
    ["deadlock", "lock-timeout", "duplicate-key"],
  );
  if (committed.length > 0) {
    if (deps.tracer !== undefined) {
      trace(deps.tracer, committed, begun);
    }
    deps.onCommitted(committed);
  }
  return result;
}

/** The span of a transaction that is over; its events say to which call it belongs. */
function trace(tracer: Tracer, committed: readonly CommittedEvent[], begun: number): void {
  const { orderId, traceparent } = (committed[0] as CommittedEvent).row;
  if (isSampled(traceparent)) {
    const attributes = { "oms.order_id": String(orderId), "oms.commit.events": committed.length };
    tracer.start("commit", { kind: "internal", parent: traceparent, startTime: begun, attributes }).end();
  }
}

/** Nothing changed, nobody hears of it. */
export function unchanged<Result>(result: Result): ChangeResult<Result> {
  return { result, events: [] };
}

/**
 * Locks orders as the committer does, status row before main row, by id: so the events of an order have the order of its changes,
 * and no two transactions wait for each other in a circle.
 */
export function lockOrders(trx: Transaction<Database>, orderIds: readonly bigint[]) {
  return selectOrders(trx)
    .where("s.order_id", "in", orderIds)
    .orderBy("s.order_id")
    .modifyFront(sql`straight_join`)
    .forUpdate()
    .execute();
}
