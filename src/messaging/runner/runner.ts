import type { OrderEvent } from "../../domain/events.ts";
import { withTimeout } from "../../lib/async.ts";
import type { BackOff } from "../../lib/back-off.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import { ALWAYS_HELD, type Lease } from "../../store/leases/index.ts";
import type { DueEntry, Ledger } from "../../store/ledger/index.ts";
import { decodeEvent } from "../nats/codec.ts";
import type { StreamConnection } from "../nats/connection.ts";
import type { Action } from "./action.ts";
import { AttemptRunner, type CrashPoint } from "./attempts.ts";
import { ActionConsumers } from "./consumers.ts";
import { DueLoop } from "./due-loop.ts";
import { startLedgerGauges } from "./ledger-gauges.ts";
import { createPausedActions } from "./paused-actions.ts";

export interface RunnerOptions {
  readonly actions: readonly Action[];
  readonly stream: StreamConnection;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /**
   * Maximum number of concurrent runs per Action: this many from the stream, and as many from the
   * database. Runs mostly wait, and the ledger writes of concurrent ones share statements. Requests
   * to an external system are limited by its client.
   */
  readonly concurrency?: number;
  /** Minimum delay between two polls for due entries, in milliseconds. */
  readonly pollMs?: number;
  /** Of the server that counts the open entries for the metrics; by default it is this one. */
  readonly lease?: Lease;
  /** Time limit of an attempt, in milliseconds: less than its lease in the ledger. */
  readonly attemptTimeoutMs?: number;
  readonly backOff?: BackOff;
  /** Failed attempts after which an entry is parked. */
  readonly maxAttempts?: number;
  readonly crashPoint?: CrashPoint;
}

export interface Runner {
  /**
   * Accepts nothing more, lets runs end within the time limit, in milliseconds, and aborts the
   * rest, which another server repeats.
   */
  stop(timeoutMs: number): Promise<void>;
}

/** Time limit for recording aborted runs, in milliseconds. */
const RECORD_ABORTED_MS = 500;

/**
 * Runs the Actions. An event is delivered by the stream or due in the ledger; either way the ledger
 * decides whether it runs now, and records the result. An Action that fails or hangs delays neither
 * another Action nor another order.
 */
export function startRunner({
  actions,
  stream,
  ledger,
  log,
  metrics,
  tracer,
  concurrency = 256,
  pollMs = 200,
  lease = ALWAYS_HELD,
  attemptTimeoutMs = 15_000,
  backOff = { baseMs: 1_000, capMs: 300_000 },
  maxAttempts = 12,
  crashPoint = () => {},
}: RunnerOptions): Runner {
  const aborting = new AbortController();
  const byName = new Map(actions.map((action) => [action.name, action]));
  const attempts = new AttemptRunner({
    ledger,
    log,
    metrics,
    tracer,
    timeoutMs: attemptTimeoutMs,
    backOff,
    maxAttempts,
    abortSignal: aborting.signal,
    crashPoint,
  });
  const paused = createPausedActions(log);
  const { isPaused } = paused;

  const runDue = async ({ entry, row }: DueEntry) => {
    const action = byName.get(entry.action) as Action;
    let event: OrderEvent;
    try {
      event = decodeEvent(row.subject, row.body, row.traceparent);
    } catch (error) {
      const fields = { action: action.name, messageId: entry.messageId, traceId: traceIdOf(row.traceparent) };
      log.error({ err: error, ...fields }, "event cannot be decoded; parked");
      metrics.actionAttempts.inc({ action: action.name, result: "parked" });
      await ledger.park(entry, String(error)).catch(() => {});
      return;
    }
    await attempts.run(action, entry, event);
  };

  const consumers = actions.map(
    (action) => new ActionConsumers({ action, stream, ledger, log, metrics, concurrency, attempts, isPaused }),
  );
  const due = new DueLoop({ actions: [...byName.keys()], ledger, log, paused, run: runDue, concurrency, pollMs });
  const gauges = startLedgerGauges({ actions, ledger, paused, metrics, lease });

  return {
    async stop(timeoutMs) {
      await Promise.all([gauges, paused, due, ...consumers].map((part) => part.stop()));
      const idle = Promise.all([due, ...consumers].map((part) => part.idle()));
      await withTimeout(idle, timeoutMs);
      aborting.abort();
      await withTimeout(idle, RECORD_ABORTED_MS);
    },
  };
}
