import { discard, type Intervention, type InterventionResult } from "../../store/ledger/interventions.ts";
import { redrive } from "../../store/ledger/redrive.ts";
import { type ActionEntry, readParkedOrDiscarded } from "../../store/reads/action-entries.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";
import { findAction } from "./actions.ts";
import { describeFilter, describeList, type EntryFilter, matchesFilter } from "./entry-filter.ts";
import { type BatchLimits, DEFAULT_LIMITS, runTimeBoxed } from "./time-boxed.ts";

export interface ListParkedInput {
  readonly action: string;
  /** Undefined: whatever they are. */
  readonly filter: EntryFilter | undefined;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListParkedAnswer {
  readonly entries: readonly ActionEntry[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Events that are looked at for one page: with a filter a page may be short, or empty, with more behind its token. */
const MAX_LOOKED_AT = 20_000;
const EVENTS_PER_QUERY = 1_000;

/** What an Action has parked, oldest event first. */
export async function listParked(deps: OperationDeps, input: ListParkedInput): Promise<ListParkedAnswer> {
  const { name: action } = findAction(deps, input.action);
  const pageSize = input.pageSize === 0 ? DEFAULT_PAGE_SIZE : input.pageSize;
  const wanted = input.filter === undefined ? () => true : matchesFilter(input.filter);
  const limit = input.filter === undefined ? pageSize : EVENTS_PER_QUERY;
  const entries: ActionEntry[] = [];
  let afterId = parsePageToken(input.pageToken);
  let more = true;
  for (let lookedAt = 0; more && entries.length < pageSize && lookedAt < MAX_LOOKED_AT; lookedAt += limit) {
    const found = await readParkedOrDiscarded(deps.db, { action, state: "PARKED", afterId, limit: limit + 1 });
    more = found.length > limit;
    for (const entry of found.slice(0, limit)) {
      if (entries.length === pageSize) {
        more = true;
        break;
      }
      afterId = entry.id;
      if (wanted(entry)) {
        entries.push(entry);
      }
    }
  }
  return { entries, nextPageToken: more ? String(afterId) : "" };
}

/** What is to be done about which of an Action's parked events. */
export interface ParkedBatchInput {
  readonly action: string;
  /** These events; all that fit the filter where it is empty. */
  readonly messageIds: readonly string[];
  /** Undefined: whatever they are. */
  readonly filter: EntryFilter | undefined;
  readonly operator: string;
  readonly reason: string;
  /** A dry run. */
  readonly validateOnly: boolean;
  /** "" to begin. */
  readonly pageToken: string;
}

export interface ParkedBatchAnswer {
  /** How many events of this portion it concerned, or would. */
  readonly count: number;
  /** "" where nothing is left. */
  readonly nextPageToken: string;
  /** Of a dry run: the first of them. */
  readonly samples: readonly ActionEntry[];
}

const MAX_SAMPLES = 20;

/** Does something about a portion of an Action's parked events, oldest first. */
export async function processParked(
  deps: OperationDeps,
  kind: Intervention["kind"],
  input: ParkedBatchInput,
  { caller, deadline }: Pick<CallContext, "caller" | "deadline">,
  limits: BatchLimits,
  act: (ids: readonly bigint[], intervention: Intervention) => Promise<InterventionResult>,
): Promise<ParkedBatchAnswer> {
  const { messageIds, filter, operator, reason, validateOnly } = input;
  const { name: action } = findAction(deps, input.action);
  const selection =
    messageIds.length > 0 ? describeList("events", messageIds) : filter ? describeFilter(filter) : "all";
  const search = { action, state: "PARKED" as const, ...(messageIds.length > 0 && { messageIds }) };
  const wanted = filter === undefined ? () => true : matchesFilter(filter);
  const samples: ActionEntry[] = [];
  let id: bigint | undefined;
  const { count, next } = await runTimeBoxed(
    limits,
    { deadline },
    parsePageToken(input.pageToken),
    async (afterId, limit) => {
      const found = await readParkedOrDiscarded(deps.db, { ...search, afterId, limit: limit + 1 });
      const looked = found.slice(0, limit);
      const chosen = looked.filter(wanted);
      const place = found.length > limit ? looked.at(-1)?.id : undefined;
      if (validateOnly) {
        samples.push(...chosen.slice(0, MAX_SAMPLES - samples.length));
        return { count: chosen.length, next: place };
      }
      const done = await act(
        chosen.map((entry) => entry.id),
        { kind, action, selection, caller, operator, reason, id },
      );
      id = done.interventionId;
      return { count: done.count, next: place };
    },
  );
  return { count, nextPageToken: next === undefined ? "" : String(next), samples };
}

/** Has parked events tried again now, each with a full round of attempts. */
export function retryParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchAnswer> {
  return processParked(deps, "RETRY", input, context, limits, (ids, intervention) =>
    redrive(deps.changes, ids, ["PARKED"], intervention),
  );
}

/** Gives parked events up for good. */
export function discardParked(
  deps: OperationDeps,
  input: ParkedBatchInput,
  context: Pick<CallContext, "caller" | "deadline">,
  limits = DEFAULT_LIMITS,
): Promise<ParkedBatchAnswer> {
  return processParked(deps, "DISCARD", input, context, limits, (ids, intervention) =>
    discard(deps.changes, ids, intervention),
  );
}
