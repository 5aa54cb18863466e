import { setTimeout as delay } from "node:timers/promises";
import type { OrderEvent } from "../../domain/events.ts";
import { type BackOff, backOffMs } from "../../lib/back-off.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { redactDatabaseValues } from "../../observability/redaction.ts";
import { isSampled, traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { Ledger, LedgerEntry } from "../../store/ledger/index.ts";
import type { Action, ActionResult } from "./action.ts";

/**
 * Called at the places of an attempt where a fault test kills the process.
 *
 * @param event `<Action>:<message id>`
 */
export type CrashPoint = (place: "before-effect" | "after-effect" | "before-done", event: string) => void;

export interface AttemptDeps {
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Time limit of an attempt, in milliseconds: less than its lease in the ledger. */
  readonly timeoutMs: number;
  readonly backOff: BackOff;
  /** Failed attempts after which an entry is parked. */
  readonly maxAttempts: number;
  /** Aborts all attempts. */
  readonly abortSignal: AbortSignal;
  readonly crashPoint: CrashPoint;
}

/** Delay between two attempts to record a result, in milliseconds. */
const RECORD_RETRY_MS = 250;

/** How an attempt is recorded: the metric label and the write to the ledger. */
interface Recording {
  readonly result: "done" | "waiting" | "parked" | "retry";
  readonly write: () => Promise<void>;
}

/** Runs Actions and records their results in the ledger. */
export class AttemptRunner {
  readonly #deps: AttemptDeps;
  /**
   * Actions whose last attempt failed: the log reports the first failure and the recovery, not each
   * attempt.
   */
  readonly #failing = new Set<string>();
  readonly #running = new Set<(reason: Error) => void>();

  constructor(deps: AttemptDeps) {
    this.#deps = deps;
    deps.abortSignal.addEventListener("abort", () => {
      for (const abort of this.#running) {
        abort(new Error("server is shutting down"));
      }
    });
  }

  /**
   * Runs an Action for an event, and records the result. Never rejects: an attempt whose result
   * cannot be recorded is repeated when its lease expires.
   */
  async run(action: Action, entry: LedgerEntry, event: OrderEvent): Promise<void> {
    const { ledger, metrics, tracer, crashPoint } = this.#deps;
    const parent = tracer === undefined ? "" : event.traceparent;
    const span = tracer && isSampled(parent) ? startAttemptSpan(tracer, entry, event, ledger.now()) : undefined;
    const traced = span === undefined ? event : { ...event, traceparent: span.traceparent };
    const result = await this.#runHandler(action, entry, traced, span?.traceparent ?? parent);
    const recording = this.#recordingOf(action, entry, result);
    span?.end(result, recording.result);
    this.#log(action, entry, event, result, recording.result);
    crashPoint("before-done", crashEvent(entry));
    if (!(await this.#record(recording))) {
      return;
    }
    metrics.actionAttempts.inc({ action: action.name, result: recording.result });
    if (result.kind === "done") {
      const lagMs = ledger.now().getTime() - entry.firstTime.getTime();
      metrics.actionLag.observe({ action: action.name }, lagMs / 1_000);
    }
  }

  async #runHandler(action: Action, entry: LedgerEntry, event: OrderEvent, traceparent: string): Promise<ActionResult> {
    const { timeoutMs, crashPoint } = this.#deps;
    const { messageId, attempt: number, sideEffectFreeAttempts } = entry;
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = Promise.withResolvers<never>();
    const abort = (reason: Error) => {
      aborted.reject(reason);
      controller.abort(reason);
    };
    const timer = setTimeout(() => abort(new Error(`not finished within ${timeoutMs} ms`)), timeoutMs);
    this.#running.add(abort);
    try {
      crashPoint("before-effect", crashEvent(entry));
      const mayHaveSideEffects = sideEffectFreeAttempts < number - 1;
      const run = action.run(event, { messageId, number, mayHaveSideEffects, traceparent, signal });
      const result = await Promise.race([run, aborted.promise]);
      crashPoint("after-effect", crashEvent(entry));
      return result;
    } catch (error) {
      return { kind: "retry", reason: redactDatabaseValues(error instanceof Error ? error.message : String(error)) };
    } finally {
      clearTimeout(timer);
      this.#running.delete(abort);
    }
  }

  #recordingOf({ retryForever = false }: Action, entry: LedgerEntry, result: ActionResult): Recording {
    const { ledger, backOff, maxAttempts } = this.#deps;
    const after = (ms: number) => new Date(ledger.now().getTime() + ms);
    switch (result.kind) {
      case "done":
        return { result: "done", write: () => ledger.done(entry) };
      case "wait": {
        const at = result.at ?? after(backOffMs(backOff, entry.attemptInRound));
        const write = result.mayHaveSideEffects === true ? ledger.retry : ledger.defer;
        return { result: "waiting", write: () => write(entry, result.reason, at) };
      }
      case "reject":
        return { result: "parked", write: () => ledger.park(entry, result.reason) };
      case "retry": {
        if (entry.attemptInRound >= maxAttempts && !retryForever) {
          return { result: "parked", write: () => ledger.park(entry, result.reason) };
        }
        const at = after(Math.max(backOffMs(backOff, entry.attemptInRound), result.afterMs ?? 0));
        return { result: "retry", write: () => ledger.retry(entry, result.reason, at) };
      }
    }
  }

  #log(action: Action, entry: LedgerEntry, event: OrderEvent, result: ActionResult, recorded: string): void {
    const { log } = this.#deps;
    if (result.kind === "done" && !this.#failing.delete(action.name)) {
      return;
    }
    const { messageId, orderId, attempt } = entry;
    const traceId = traceIdOf(event.traceparent);
    const fields = { action: action.name, messageId, orderId: String(orderId), attempt, traceId };
    if (result.kind === "done") {
      log.info(fields, "Action succeeds again");
      return;
    }
    const { reason } = result;
    if (result.kind === "wait") {
      log.debug({ ...fields, reason }, "Action deferred");
      return;
    }
    const level = recorded === "parked" || !this.#failing.has(action.name) ? "warn" : "debug";
    this.#failing.add(action.name);
    log[level]({ ...fields, reason }, recorded === "parked" ? "event parked" : "Action failed; retrying");
  }

  /**
   * Retries within the attempt's time limit, as the database may be unavailable.
   *
   * @returns whether it was recorded
   */
  async #record({ write }: Recording): Promise<boolean> {
    const { timeoutMs, abortSignal } = this.#deps;
    const until = performance.now() + timeoutMs;
    for (;;) {
      try {
        await write();
        return true;
      } catch {
        if (performance.now() > until || abortSignal.aborted) {
          return false;
        }
        await delay(RECORD_RETRY_MS);
      }
    }
  }
}

const crashEvent = ({ action, messageId }: LedgerEntry) => `${action}:${messageId}`;

/**
 * Starts the span of an attempt, a child of the publish, or of the call where the event comes from
 * the ledger.
 */
function startAttemptSpan(tracer: Tracer, entry: LedgerEntry, event: OrderEvent, now: Date) {
  const { action, messageId, orderId, attempt, firstTime } = entry;
  const span = tracer.start(`${action} process`, {
    kind: "consumer",
    parent: event.traceparent,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.type": "process",
      "messaging.message.id": messageId,
      "oms.action": action,
      "oms.attempt": attempt,
      "oms.order_id": String(orderId),
      "oms.lag_ms": now.getTime() - firstTime.getTime(),
    },
  });
  return {
    traceparent: span.traceparent,
    end(result: ActionResult, recorded: string) {
      span.set({ "oms.result": recorded });
      if (result.kind !== "done") {
        span.set({ "oms.reason": result.reason });
        if (result.kind !== "wait") {
          span.fail(result.reason);
        }
      }
      span.end();
    },
  };
}
