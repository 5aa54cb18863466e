import { discard, type Intervention, type InterventionResult } from "../../store/ledger/interventions.ts";
import { redrive } from "../../store/ledger/redrive.ts";
import { type ActionEntry, readParkedOrDiscarded } from "../../store/reads/action-entries.ts";
import type { Actor, CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";
import { findAction } from "./actions.ts";
import { describeFilter, describeList, type EntryFilter, matchesFilter } from "./entry-filter.ts";
import { type BatchLimits, DEFAULT_LIMITS, runTimeBoxed } from "./time-boxed.ts";

export interface ListParkedInput {
  readonly action: string;
  /** Undefined for all. */
  readonly filter: EntryFilter | undefined;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListParkedResult {
  readonly entries: readonly ActionEntry[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/**
 * Maximum number of entries read for one page: with a filter a page may be short or empty and still
 * have a next one.
 */
const MAX_READ = 20_000;
const EVENTS_PER_QUERY = 1_000;

/** Parked entries of an Action, oldest event first. */
export async function listParked(deps: OperationDeps, input: ListParkedInput): Promise<ListParkedResult> {
  const { name: action } = findAction(deps, input.action);
  const pageSize = input.pageSize === 0 ? DEFAULT_PAGE_SIZE : input.pageSize;
  const matches = input.filter === undefined ? () => true : matchesFilter(input.filter);
  const limit = input.filter === undefined ? pageSize : EVENTS_PER_QUERY;
  const entries: ActionEntry[] = [];
  let afterId = parsePageToken(input.pageToken);
  let more = true;
  for (let read = 0; more && entries.length < pageSize && read < MAX_READ; read += limit) {
    const found = await readParkedOrDiscarded(deps.db, { action, state: "PARKED", afterId, limit: limit + 1 });
    more = found.length > limit;
    for (const entry of found.slice(0, limit)) {
      if (entries.length === pageSize) {
        more = true;
        break;
      }
      afterId = entry.id;
      if (matches(entry)) {
        entries.push(entry);
      }
    }
  }
  return { entries, nextPageToken: more ? String(afterId) : "" };
}

/** Selects parked entries to retry or discard. */
export interface ParkedBatchInput {
  readonly action: string;
  /** These events; if empty, all that match the filter. */
  readonly messageIds: readonly string[];
  /** Undefined for all. */
  readonly filter: EntryFilter | undefined;
  readonly operator: string;
  readonly reason: string;
  /** Dry run. */
  readonly validateOnly: boolean;
  /** "" to start. */
  readonly pageToken: string;
}

export interface ParkedBatchResult {
  /** Number of events changed by this call, or that would be. */
  readonly count: number;
  /** "" if none are left. */
  readonly nextPageToken: string;
  /** The first of them, in a dry run. */
  readonly samples: readonly ActionEntry[];
}

const MAX_SAMPLES = 20;

/** Applies an intervention to a time-boxed batch of parked entries, oldest first. */
async function processParked(
  deps: OperationDeps,
  kind: Intervention["kind"],
  input: ParkedBatchInput,
  { caller, authenticatedOperator, deadline }: Actor & Pick<CallContext, "deadline">,
  limits: BatchLimits,
  apply: (ids: readonly bigint[], intervention: Intervention) => Promise<InterventionResult>,
): Promise<ParkedBatchResult> {
  const { messageIds, filter, operator, reason, validateOnly } = input;
  const { name: action } = findAction(deps, input.action);
  const selection =
    messageIds.length > 0 ? describeList("events", messageIds) : filter ? describeFilter(filter) : "all";
  const search = { action, state: "PARKED" as const, ...(messageIds.length > 0 && { messageIds }) };
  const matches = filter === undefined ? () => true : matchesFilter(filter);
  const samples: ActionEntry[] = [];
  let id: bigint | undefined;
  const { count, next } = await runTimeBoxed(
    limits,
    { deadline },
    parsePageToken(input.pageToken),
    async (afterId, limit) => {
      const found = await readParkedOrDiscarded(deps.db, { ...search, afterId, limit: limit + 1 });
      const read = found.slice(0, limit);
      const chosen = read.filter(matches);
      const next = found.length > limit ? read.at(-1)?.id : undefined;
      if (validateOnly) {
        samples.push(...chosen.slice(0, MAX_SAMPLES - samples.length));
        return { count: chosen.length, next };
      }
      const result = await apply(
        chosen.map((entry) => entry.id),
        { kind, action, selection, caller, operator, authenticatedOperator, reason, id },
      );
      id = result.interventionId;
      return { count: result.count, next };
    },
  );
  return { count, nextPageToken: next === undefined ? "" : String(next), samples };
}

/** Retries parked events now, each with a new round of attempts. */
export function retryParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Actor & Pick<CallContext, "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchResult> {
  return processParked(deps, "RETRY", input, context, limits, (ids, intervention) =>
    redrive(deps.interventions, ids, ["PARKED"], intervention),
  );
}

/** Discards parked events. */
export function discardParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Actor & Pick<CallContext, "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchResult> {
  return processParked(deps, "DISCARD", input, context, limits, (ids, intervention) =>
    discard(deps.interventions, ids, intervention),
  );
}
