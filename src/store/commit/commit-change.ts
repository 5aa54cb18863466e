import type { Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import { isSampled } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { appendEvents } from "../outbox/append-events.ts";
import type { CommittedEvent, EventDeps } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";

/** What changes outside the group committer need. */
export interface ChangeDeps extends EventDeps {
  readonly db: OrderDatabase;
  /** Called with the events right after the commit. Must not throw. */
  readonly onCommitted: (events: readonly CommittedEvent[]) => void;
  /**
   * Called when ledger entries have become due, or an Action was paused or resumed. Must not throw.
   * Undefined: the poll for due entries finds them.
   */
  readonly onDue?: (() => void) | undefined;
  /** Undefined: no tracing. */
  readonly tracer?: Tracer | undefined;
}

/** The transaction of a change: what the SQL functions of store/orders/ take. */
export type ChangeTransaction = Transaction<Database>;

/** The result of a change and the events to publish. */
export interface ChangeResult<Result> {
  readonly result: Result;
  readonly events: readonly OrderEvent[];
}

/**
 * Runs a change and appends its events in one transaction, for the use cases that do not go through
 * the group committer. `change` is retried as a whole after a deadlock, a lock timeout or a
 * duplicate key (the same request id twice at once), so it must have no effect but in `trx`; what
 * it throws rolls back. A change whose commit had no answer may run again: each use case is
 * idempotent.
 */
export async function commitChange<Result>(
  deps: ChangeDeps,
  change: (trx: ChangeTransaction, now: Date) => Promise<ChangeResult<Result>>,
): Promise<Result> {
  const startedAt = performance.now();
  const { result, committed } = await inTransaction(
    deps.db,
    async (trx) => {
      const { result, events } = await change(trx, deps.db.clock.now());
      return { result, committed: await appendEvents(trx, events, deps) };
    },
    ["deadlock", "lock-timeout", "duplicate-key"],
  );
  if (committed.length > 0) {
    if (deps.tracer !== undefined) {
      traceCommit(deps.tracer, committed, startedAt);
    }
    deps.onCommitted(committed);
  }
  return result;
}

/** The span of a committed transaction, in the trace of the call that its events name. */
function traceCommit(tracer: Tracer, committed: readonly CommittedEvent[], startedAt: number): void {
  const { orderId, traceparent } = (committed[0] as CommittedEvent).row;
  if (isSampled(traceparent)) {
    const attributes = { "oms.order_id": String(orderId), "oms.commit.events": committed.length };
    tracer.start("commit", { kind: "internal", parent: traceparent, startTime: startedAt, attributes }).end();
  }
}

/** A result without a change. */
export function unchanged<Result>(result: Result): ChangeResult<Result> {
  return { result, events: [] };
}
