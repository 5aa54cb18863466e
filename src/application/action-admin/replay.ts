import type { Intervention } from "../../store/ledger/interventions.ts";
import { redeliverFromHistory } from "../../store/ledger/redeliver-from-history.ts";
import { redrive } from "../../store/ledger/redrive.ts";
import { MAX_COMMIT_SKEW_MS } from "../../store/outbox/outbox.ts";
import { readParkedOrDiscarded, readRunnable, readWaiting } from "../../store/reads/action-entries.ts";
import {
  lastHistoryIdBefore,
  readUndeliveredAfter,
  readUndeliveredOfOrders,
  type UndeliveredChange,
} from "../../store/reads/undelivered-changes.ts";
import type { Actor, CallContext } from "../context.ts";
import type { ActionInfo, OperationDeps } from "../deps.ts";
import { findAction } from "./actions.ts";
import { describeList, describePeriod } from "./entry-filter.ts";
import { firstPhase, formatReplayToken, parseReplayToken, phaseAfter, type ReplayCursor } from "./replay-cursor.ts";
import { DEFAULT_LIMITS, runTimeBoxed } from "./time-boxed.ts";

export interface ReplayInput {
  readonly action: string;
  /** The events of these orders; those of the period where it is empty. */
  readonly orderIds: readonly bigint[];
  readonly period: Period | undefined;
  readonly operator: string;
  readonly reason: string;
  /** A dry run. */
  readonly validateOnly: boolean;
  /** "" to begin. */
  readonly pageToken: string;
}

/** The events that were committed at `fromTime` or later, and before `toTime`. */
interface Period {
  readonly fromTime: Date;
  readonly toTime: Date;
}

export interface ReplayResult {
  /** Number of events that the Action gets from this call, or would get. */
  readonly count: number;
  /** "" if none are left. */
  readonly nextPageToken: string;
}

/** Orders in a batch: an Action matches a few events of each. */
const ORDERS_PER_BATCH = 100;

/**
 * Makes an Action process all events that it matches: waiting entries become due, parked and
 * discarded ones are retried, and status changes without an entry are redelivered from the history.
 * Entries that are done stay done.
 *
 * Waiting timers keep their time, and none is redelivered: before its time it would do harm, and
 * long after it is of no use. A step is redelivered only if its order is still in the state in
 * which the step starts.
 */
export async function replay(
  deps: OperationDeps,
  input: ReplayInput,
  { caller, authenticatedOperator, deadline }: Actor & Pick<CallContext, "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ReplayResult> {
  const { orderIds, period, operator, reason, validateOnly, pageToken } = input;
  const action = findAction(deps, input.action);
  const selection =
    period === undefined ? describeList("the events of orders", orderIds) : describePeriod(period).join(", ");
  const by = {
    kind: "REPLAY",
    action: action.name,
    selection,
    caller,
    operator,
    authenticatedOperator,
    reason,
  } as const;
  const apply = validateOnly ? countOnly : createApply(deps, by);
  const find = period === undefined ? findByOrders(deps, action, orderIds) : findByPeriod(deps, action, period);
  const ofPeriod = period !== undefined;
  const first = pageToken === "" ? firstPhase(action, ofPeriod) : parseReplayToken(action, ofPeriod, pageToken);
  const { count, next } = await runTimeBoxed<ReplayCursor>(limits, { deadline }, first, async (cursor, limit) => {
    const { ids, changes, next } = await find(cursor, limit);
    return { count: await apply(action, ids, changes), next: next ?? phaseAfter(action, ofPeriod, cursor) };
  });
  return { count, nextPageToken: next === undefined ? "" : formatReplayToken(next) };
}

/** A batch: entries to run now, changes to redeliver, and where the phase continues. */
interface Found {
  readonly ids: readonly bigint[];
  readonly changes: readonly UndeliveredChange[];
  readonly next: ReplayCursor | undefined;
}

type Find = (cursor: ReplayCursor, limit: number) => Promise<Found>;

function findByOrders({ db }: OperationDeps, action: ActionInfo, orderIds: readonly bigint[]): Find {
  const sorted = [...new Set(orderIds)].toSorted((a, b) => (a < b ? -1 : 1));
  return async ({ phase, id = 0n }, limit) => {
    const from = sorted.findIndex((orderId) => orderId > id);
    const batch = from === -1 ? [] : sorted.slice(from, from + Math.min(limit, ORDERS_PER_BATCH));
    const last = batch.at(-1);
    if (last === undefined) {
      return { ids: [], changes: [], next: undefined };
    }
    const ids = await readRunnable(db, action.name, batch, replayedStates(action));
    const changes = action.kind === "timer" ? [] : await readUndeliveredOfOrders(db, action.name, batch);
    const next = from + batch.length < sorted.length ? { phase, id: last } : undefined;
    return { ids, changes: changes.filter(isReplayable(action)), next };
  };
}

function findByPeriod({ db }: OperationDeps, action: ActionInfo, { fromTime, toTime }: Period): Find {
  const within = (time: Date) => time >= fromTime && time < toTime;
  const { name } = action;
  return async ({ phase, id, due }, limit) => {
    if (phase === "retrying" || phase === "pending") {
      const state = phase === "retrying" ? "RETRYING" : "PENDING";
      const after = id === undefined || due === undefined ? undefined : { id, due };
      const rows = await readWaiting(db, { action: name, state, after, limit });
      const ids = rows.filter(({ firstTime }) => within(firstTime)).map((row) => row.id);
      const last = rows.length < limit ? undefined : rows.at(-1);
      return { ids, changes: [], next: last && { phase, id: last.id, due: last.due } };
    }
    if (phase === "parked" || phase === "discarded") {
      const state = phase === "parked" ? "PARKED" : "DISCARDED";
      const rows = await readParkedOrDiscarded(db, { action: name, state, afterId: id ?? 0n, limit });
      const ids = rows.filter(({ firstTime }) => within(firstTime)).map((row) => row.id);
      const last = rows.length < limit ? undefined : rows.at(-1);
      return { ids, changes: [], next: last && { phase, id: last.id } };
    }
    const afterId = id ?? (await lastHistoryIdBefore(db, new Date(fromTime.getTime() - MAX_COMMIT_SKEW_MS)));
    const { changes, last } = await readUndeliveredAfter(db, name, { afterId, limit });
    const ended = last === undefined || last.recordTime.getTime() > toTime.getTime() + MAX_COMMIT_SKEW_MS;
    return {
      ids: [],
      changes: changes.filter(({ change }) => within(change.recordTime)).filter(isReplayable(action)),
      next: ended ? undefined : { phase, id: last.id },
    };
  };
}

/** Whether an undelivered change is redelivered to the Action. */
function isReplayable(action: ActionInfo): (undelivered: UndeliveredChange) => boolean {
  return ({ change, latest }) => (action.kind !== "step" || latest) && action.matches(change);
}

/** A timer's pending entries keep their time. */
function replayedStates({ kind }: ActionInfo) {
  const states = ["RETRYING", "PARKED", "DISCARDED"] as const;
  return kind === "timer" ? states : (["PENDING", ...states] as const);
}

type Apply = (action: ActionInfo, ids: readonly bigint[], changes: readonly UndeliveredChange[]) => Promise<number>;

const countOnly: Apply = async (_action, ids, changes) => ids.length + changes.length;

/** Records all changes of a call as one intervention. */
function createApply({ interventions: deps, now, outboxRetentionMs }: OperationDeps, by: Intervention): Apply {
  let id: bigint | undefined;
  return async (action, ids, undelivered) => {
    let count = 0;
    if (ids.length > 0) {
      const redriven = await redrive(deps, ids, replayedStates(action), { ...by, id });
      count += redriven.count;
      id = redriven.interventionId;
    }
    if (undelivered.length > 0) {
      const publishAfter = new Date(now().getTime() - outboxRetentionMs);
      const changes = undelivered.map(({ change }) => change);
      const redelivered = await redeliverFromHistory(deps, changes, { ...by, id }, publishAfter);
      count += redelivered.count;
      id = redelivered.interventionId;
    }
    return count;
  };
}
