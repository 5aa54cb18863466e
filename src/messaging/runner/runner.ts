import type { OrderEvent } from "../../domain/events.ts";
import { withTimeout } from "../../lib/async.ts";
import type { BackOff } from "../../lib/back-off.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import { decodeEvent } from "../nats/codec.ts";
import type { StreamConnection } from "../nats/connection.ts";
import type { Action } from "./action.ts";
import { type CrashPoint, createAttemptRunner } from "./attempts.ts";
import { startActionConsumers } from "./consumers.ts";
import { startDueLoop } from "./due-loop.ts";
import { startOpenEntriesGauge } from "./open-gauge.ts";
import { watchPausedActions } from "./paused-actions.ts";

export interface RunnerOptions {
  readonly actions: readonly Action[];
  readonly stream: StreamConnection;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /**
   * Runs of one Action at a time: so many from the stream, and as many from the database. Each is mostly waiting, and what waits together is
   * written together. How many requests a neighbour gets at a time is its client's business.
   */
  readonly concurrency?: number;
  /** How often the ledger is asked for what is due, in milliseconds. */
  readonly pollMs?: number;
  /** How long one attempt may take, in milliseconds: less than its lease in the ledger. */
  readonly attemptTimeoutMs?: number;
  readonly backOff?: BackOff;
  /** So many failed attempts park an event. */
  readonly maxAttempts?: number;
  readonly crashPoint?: CrashPoint;
}

export interface Runner {
  /** Takes nothing more, lets what runs end within the limit, and breaks off the rest: it runs again elsewhere. */
  stop(limitMs: number): Promise<void>;
}

/** What is broken off still writes that down, within this time, in milliseconds. */
const LAST_WORDS_MS = 500;

/**
 * Runs the Actions. An event comes from the stream, or is due in the ledger; either way the ledger says whether it may run now, and is told
 * what became of it. An Action that fails or hangs holds up neither another Action nor another order.
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
  attemptTimeoutMs = 15_000,
  backOff = { baseMs: 1_000, capMs: 300_000 },
  maxAttempts = 12,
  crashPoint = () => {},
}: RunnerOptions): Runner {
  const ending = new AbortController();
  const byName = new Map(actions.map((action) => [action.name, action]));
  const attempt = createAttemptRunner({
    ledger,
    log,
    metrics,
    tracer,
    timeoutMs: attemptTimeoutMs,
    backOff,
    maxAttempts,
    abortSignal: ending.signal,
    crashPoint,
  });

  const switches = watchPausedActions({ ledger, log });

  const streamSides = actions.map((action) =>
    startActionConsumers({ action, stream, ledger, log, metrics, concurrency, attempt, held: switches.isPaused }),
  );

  const due = startDueLoop({
    actions: [...byName.keys()],
    ledger,
    log,
    held: switches.isPaused,
    concurrency,
    pollMs,
    async run({ entry, row }) {
      const action = byName.get(entry.action) as Action;
      let event: OrderEvent;
      try {
        event = decodeEvent(row.subject, row.body, row.traceparent);
      } catch (error) {
        const about = { action: action.name, messageId: entry.messageId, traceId: traceIdOf(row.traceparent) };
        log.error({ err: error, ...about }, "an event cannot be read: parked");
        metrics.actionAttempts.inc({ action: action.name, result: "parked" });
        await ledger.park(entry, String(error)).catch(() => {});
        return;
      }
      await attempt(action, entry, event);
    },
  });

  const gauge = startOpenEntriesGauge({ actions, ledger, metrics });

  return {
    async stop(limitMs) {
      await Promise.all([gauge.stop(), switches.stop(), due.stop(), ...streamSides.map((side) => side.stop())]);
      const idle = Promise.all([due.idle(), ...streamSides.map((side) => side.idle())]);
      await withTimeout(idle, limitMs);
      ending.abort();
      await withTimeout(idle, LAST_WORDS_MS);
    },
  };
}
