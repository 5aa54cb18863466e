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
import type { CallContext } from "../context.ts";
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

export interface ReplayAnswer {
  /** How many events of this portion the Action gets, or would get. */
  readonly count: number;
  /** "" where nothing is left. */
  readonly nextPageToken: string;
}

/** Orders whose events are looked at together: each has a few that an Action asks for. */
const ORDERS_PER_BATCH = 100;

/**
 * Sees to it that an Action gets every event that it asks for. What waits is due now, what was given up is tried again, and a status change
 * that it has no ledger row for is given to it, made anew from the history. What is done stays done.
 *
 * A timer that waits for its time goes on waiting, and none is made anew: before its time it would do harm, and long after it is of no use.
 * A step is made anew only where its order still stands where the step begins.
 */
export async function replay(
  deps: OperationDeps,
  input: ReplayInput,
  { caller, deadline }: Pick<CallContext, "caller" | "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ReplayAnswer> {
  const { orderIds, period, operator, reason, validateOnly, pageToken } = input;
  const action = findAction(deps, input.action);
  const selection =
    period === undefined ? describeList("the events of orders", orderIds) : describePeriod(period).join(", ");
  const by = { kind: "REPLAY", action: action.name, selection, caller, operator, reason } as const;
  const act = validateOnly ? pretend : actor(deps, by);
  const look = period === undefined ? lookAtOrders(deps, action, orderIds) : lookAtPeriod(deps, action, period);
  const ofPeriod = period !== undefined;
  const first = pageToken === "" ? firstPhase(action, ofPeriod) : parseReplayToken(action, ofPeriod, pageToken);
  const { count, next } = await runTimeBoxed<ReplayCursor>(limits, { deadline }, first, async (place, limit) => {
    const { ids, changes, next } = await look(place, limit);
    return { count: await act(action, ids, changes), next: next ?? phaseAfter(action, ofPeriod, place) };
  });
  return { count, nextPageToken: next === undefined ? "" : formatReplayToken(next) };
}

/** What a batch finds: ledger rows to be run now, changes to be given to the Action, and where the phase goes on. */
interface Found {
  readonly ids: readonly bigint[];
  readonly changes: readonly UndeliveredChange[];
  readonly next: ReplayCursor | undefined;
}

type Look = (place: ReplayCursor, limit: number) => Promise<Found>;

function lookAtOrders({ db }: OperationDeps, action: ActionInfo, orderIds: readonly bigint[]): Look {
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
    return { ids, changes: changes.filter(isMeant(action)), next };
  };
}

function lookAtPeriod({ db }: OperationDeps, action: ActionInfo, { fromTime, toTime }: Period): Look {
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
    const over = last === undefined || last.recordTime.getTime() > toTime.getTime() + MAX_COMMIT_SKEW_MS;
    return {
      ids: [],
      changes: changes.filter(({ change }) => within(change.recordTime)).filter(isMeant(action)),
      next: over ? undefined : { phase, id: last.id },
    };
  };
}

/** Whether the Action is to have a change that it never heard of. */
function isMeant(action: ActionInfo): (unheard: UndeliveredChange) => boolean {
  return ({ change, latest }) => (action.kind !== "step" || latest) && action.matches(change);
}

/** What waits for its time is a timer's business alone. */
function replayedStates({ kind }: ActionInfo) {
  const states = ["RETRYING", "PARKED", "DISCARDED"] as const;
  return kind === "timer" ? states : (["PENDING", ...states] as const);
}

type Act = (action: ActionInfo, ids: readonly bigint[], changes: readonly UndeliveredChange[]) => Promise<number>;

const pretend: Act = async (_action, ids, changes) => ids.length + changes.length;

/** Everything that one call does is one intervention. */
function actor({ changes: store, now, outboxRetentionMs }: OperationDeps, by: Intervention): Act {
  let id: bigint | undefined;
  return async (action, ids, unheard) => {
    let count = 0;
    if (ids.length > 0) {
      const redriven = await redrive(store, ids, replayedStates(action), { ...by, id });
      count += redriven.count;
      id = redriven.interventionId;
    }
    if (unheard.length > 0) {
      const publishAfter = new Date(now().getTime() - outboxRetentionMs);
      const changes = unheard.map(({ change }) => change);
      const told = await redeliverFromHistory(store, changes, { ...by, id }, publishAfter);
      count += told.count;
      id = told.interventionId;
    }
    return count;
  };
}
