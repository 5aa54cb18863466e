import { setTimeout as delay } from "node:timers/promises";
import type { OrderEvent } from "../../domain/events.ts";
import { type BackOff, backOffMs } from "../../lib/back-off.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { isSampled, traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { Ledger, LedgerEntry } from "../../store/ledger/index.ts";
import type { Action, ActionResult } from "./action.ts";
import { startAttemptSpan } from "./trace-attempt.ts";

/** Told of the places in an attempt at which a fault test kills the process, and of which: `<Action>:<message id>`. */
export type CrashPoint = (place: "before-effect" | "after-effect" | "before-done", which: string) => void;

export interface AttemptDeps {
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** How long one attempt may take, in milliseconds: less than its lease in the ledger. */
  readonly timeoutMs: number;
  readonly backOff: BackOff;
  /** So many failed attempts park an event. */
  readonly maxAttempts: number;
  /** Aborted when attempts have to end at once. */
  readonly abortSignal: AbortSignal;
  readonly crashPoint: CrashPoint;
}

/** Between two attempts to write down how an attempt ended, in milliseconds. */
const WRITE_AGAIN_MS = 250;

/**
 * Runs one Action at one event, and writes down what became of it. Never rejects: what cannot be written down runs again when its lease
 * is over.
 */
export type RunAttempt = (action: Action, entry: LedgerEntry, event: OrderEvent) => Promise<void>;

export function createAttemptRunner(deps: AttemptDeps): RunAttempt {
  const { ledger, log, metrics, tracer, timeoutMs, backOff, maxAttempts, abortSignal, crashPoint } = deps;
  /** Actions whose last attempt failed, so that the log tells of the turn and not of each attempt. */
  const failing = new Set<string>();
  /** Each breaks off one attempt. */
  const underWay = new Set<(reason: Error) => void>();
  abortSignal.addEventListener("abort", () => {
    for (const breakOff of underWay) {
      breakOff(new Error("the server is stopping"));
    }
  });

  const effect = async (
    action: Action,
    entry: LedgerEntry,
    event: OrderEvent,
    traceparent: string,
  ): Promise<ActionResult> => {
    const abort = new AbortController();
    const { signal } = abort;
    const brokenOff = Promise.withResolvers<never>();
    const breakOff = (reason: Error) => {
      brokenOff.reject(reason);
      abort.abort(reason);
    };
    const timer = setTimeout(() => breakOff(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
    underWay.add(breakOff);
    try {
      crashPoint("before-effect", whichOf(entry));
      const { messageId, attempt: number, sideEffectFreeAttempts } = entry;
      const mayHaveActed = sideEffectFreeAttempts < number - 1;
      const run = action.run(event, { messageId, number, mayHaveSideEffects: mayHaveActed, traceparent, signal });
      const result = await Promise.race([run, brokenOff.promise]);
      crashPoint("after-effect", whichOf(entry));
      return result;
    } catch (error) {
      return { kind: "retry", reason: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
      underWay.delete(breakOff);
    }
  };

  const after = (ms: number) => new Date(ledger.now().getTime() + ms);

  /** What the ledger is told: the write, and how it counts. */
  const verdictOn = ({ retryForever = false }: Action, entry: LedgerEntry, result: ActionResult) => {
    if (result.kind === "done") {
      return { counts: "done", write: () => ledger.done(entry) } as const;
    }
    if (result.kind === "wait") {
      const at = result.at ?? after(backOffMs(backOff, entry.attemptInRound, Math.random()));
      return { counts: "waiting", write: () => ledger.defer(entry, result.reason, at) } as const;
    }
    if (result.kind === "reject" || (entry.attemptInRound >= maxAttempts && !retryForever)) {
      return { counts: "parked", write: () => ledger.park(entry, result.reason) } as const;
    }
    const at = after(Math.max(backOffMs(backOff, entry.attemptInRound, Math.random()), result.afterMs ?? 0));
    return { counts: "retry", write: () => ledger.retry(entry, result.reason, at) } as const;
  };

  const tell = (action: Action, entry: LedgerEntry, event: OrderEvent, result: ActionResult, counts: string) => {
    if (result.kind === "done" && !failing.delete(action.name)) {
      return;
    }
    const { messageId, orderId, attempt } = entry;
    const traceId = traceIdOf(event.traceparent);
    const about = { action: action.name, messageId, orderId: String(orderId), attempt, traceId };
    if (result.kind === "done") {
      log.info(about, "the Action works again");
      return;
    }
    if (result.kind === "wait") {
      log.debug({ ...about, reason: result.reason }, "waits");
      return;
    }
    const level = counts === "parked" || !failing.has(action.name) ? "warn" : "debug";
    failing.add(action.name);
    log[level]({ ...about, reason: result.reason }, counts === "parked" ? "parked" : "to be tried again");
  };

  return async (action, entry, event) => {
    const parent = tracer === undefined ? "" : event.traceparent;
    const span = tracer && isSampled(parent) ? startAttemptSpan(tracer, entry, event, ledger.now()) : undefined;
    const result = await effect(action, entry, span?.event ?? event, span?.traceparent ?? parent);
    const { counts, write } = verdictOn(action, entry, result);
    span?.end(result, counts);
    tell(action, entry, event, result, counts);
    crashPoint("before-done", whichOf(entry));
    if (await written(write, timeoutMs, abortSignal)) {
      metrics.actionAttempts.inc({ action: action.name, result: counts });
      if (counts === "done") {
        metrics.actionLag.observe(
          { action: action.name },
          (ledger.now().getTime() - entry.firstTime.getTime()) / 1_000,
        );
      }
    }
  };
}

const whichOf = ({ action, messageId }: LedgerEntry) => `${action}:${messageId}`;

/** Writes as often as it takes, within the limit: the database may be away just now. */
async function written(write: () => Promise<void>, limitMs: number, ending: AbortSignal): Promise<boolean> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      await write();
      return true;
    } catch {
      if (performance.now() > until || ending.aborted) {
        return false;
      }
      await delay(WRITE_AGAIN_MS);
    }
  }
}
