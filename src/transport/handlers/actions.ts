import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as pb from "../../../gen/oms/operations/v1/action_service_pb.ts";
import {
  type ActionStatus,
  getOrderActions,
  listActions,
  listInterventions,
  pauseAction,
  resumeAction,
} from "../../application/action-admin/actions.ts";
import type { EntryFilter } from "../../application/action-admin/entry-filter.ts";
import {
  discardParked,
  type ListParkedResult,
  listParked,
  retryParked,
} from "../../application/action-admin/parked.ts";
import { replay } from "../../application/action-admin/replay.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { toDate } from "./messages.ts";
import type { HandlersOf } from "./types.ts";

/** All RPCs of ActionService. */
export function createActionHandlers(deps: OperationDeps): HandlersOf<typeof pb.ActionService> {
  return {
    async listActions() {
      return create(pb.ListActionsResponseSchema, { actions: (await listActions(deps)).map(actionFields) });
    },

    async getOrderActions(request, context) {
      return create(pb.GetOrderActionsResponseSchema, {
        entries: (await getOrderActions(deps, request, context)).map(entryFields),
      });
    },

    async listParked(request) {
      const { action, pageSize, pageToken } = request;
      const result = await listParked(deps, { action, filter: toFilter(request.filter), pageSize, pageToken });
      return create(pb.ListParkedResponseSchema, {
        entries: result.entries.map(entryFields),
        nextPageToken: result.nextPageToken,
      });
    },

    async retryParked(request, context) {
      const result = await retryParked(deps, { ...request, filter: toFilter(request.filter) }, context);
      return create(pb.RetryParkedResponseSchema, {
        retriedCount: BigInt(result.count),
        nextPageToken: result.nextPageToken,
        samples: result.samples.map(entryFields),
      });
    },

    async discardParked(request, context) {
      const result = await discardParked(deps, { ...request, filter: toFilter(request.filter) }, context);
      return create(pb.DiscardParkedResponseSchema, {
        discardedCount: BigInt(result.count),
        nextPageToken: result.nextPageToken,
        samples: result.samples.map(entryFields),
      });
    },

    async replay(request, context) {
      const { fromTime, toTime } = request;
      const period = fromTime &&
        toTime && { fromTime: toDate(fromTime, "from_time"), toTime: toDate(toTime, "to_time") };
      const { count, nextPageToken } = await replay(deps, { ...request, period }, context);
      return create(pb.ReplayResponseSchema, { replayedCount: BigInt(count), nextPageToken });
    },

    async pauseAction(request, context) {
      return create(pb.PauseActionResponseSchema, { changed: await pauseAction(deps, request, context) });
    },

    async resumeAction(request, context) {
      return create(pb.ResumeActionResponseSchema, { changed: await resumeAction(deps, request, context) });
    },

    async listInterventions(request) {
      const { interventions, nextPageToken } = await listInterventions(deps, request);
      return create(pb.ListInterventionsResponseSchema, {
        interventions: interventions.map(interventionFields),
        nextPageToken,
      });
    },
  };
}

function toFilter(filter: pb.EntryFilter | undefined): EntryFilter | undefined {
  if (filter === undefined) {
    return undefined;
  }
  const { errorContains, fromTime, toTime, firstOrderId, lastOrderId } = filter;
  return {
    errorContains,
    fromTime: fromTime && toDate(fromTime, "filter.from_time"),
    toTime: toTime && toDate(toTime, "filter.to_time"),
    firstOrderId,
    lastOrderId,
  };
}

const KINDS = { effect: pb.ActionKind.EFFECT, step: pb.ActionKind.STEP, timer: pb.ActionKind.TIMER } as const;

function actionFields({ info, open, totals, pause }: ActionStatus): MessageInitShape<typeof pb.ActionStatusSchema> {
  return {
    name: info.name,
    kind: KINDS[info.kind],
    subjects: [...info.subjects],
    pending: BigInt(open.waiting),
    inFlight: BigInt(open.inFlight),
    parked: BigInt(open.parked),
    doneTotal: BigInt(totals?.done ?? 0),
    retryTotal: BigInt(totals?.retries ?? 0),
    lastError: totals?.lastError ?? "",
    ...optionalTime("lastErrorTime", totals?.lastErrorTime),
    ...optionalTime("oldestPendingTime", open.waitingSince),
    paused: pause !== undefined,
    pauseReason: pause?.reason ?? "",
    pausedBy: pause?.operator ?? "",
    pauseAuthenticatedOperator: pause?.authenticatedOperator ?? "",
    ...optionalTime("pausedTime", pause?.since),
  };
}

type Entry = ListParkedResult["entries"][number];

function entryFields(entry: Entry): MessageInitShape<typeof pb.ActionEntrySchema> {
  const { messageId, action, orderId, state, attempts, lastError, intervention } = entry;
  return {
    messageId,
    action,
    orderId,
    state: pb.ActionState[state],
    attempts,
    lastError,
    ...optionalTime("firstTime", entry.firstTime),
    ...optionalTime("finishTime", entry.finishTime),
    ...optionalTime("nextAttemptTime", entry.nextAttemptTime),
    ...(intervention === undefined ? {} : { intervention: interventionFields(intervention) }),
  };
}

function interventionFields(
  intervention: NonNullable<Entry["intervention"]>,
): MessageInitShape<typeof pb.InterventionSchema> {
  const { id, kind, action, selection, affected, caller, operator, authenticatedOperator, reason } = intervention;
  return {
    interventionId: id,
    kind: pb.InterventionKind[kind],
    action,
    selection,
    affectedCount: BigInt(affected),
    caller,
    operator,
    authenticatedOperator,
    reason,
    ...optionalTime("time", intervention.time),
  };
}

/** A timestamp field, left out if undefined. */
function optionalTime<Name extends string>(name: Name, date: Date | undefined) {
  return (date === undefined ? {} : { [name]: timestampFromDate(date) }) as {
    [_ in Name]?: ReturnType<typeof timestampFromDate>;
  };
}
