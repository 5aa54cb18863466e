import type { Intervention, InterventionResult } from "../../store/ledger/intervention.ts";
import { type ActionEntry, readParkedOrDiscarded } from "../../store/reads/action-entries.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";
import { findAction } from "./action-info.ts";
import { describeFilter, describeList, type EntryFilter, matchesFilter } from "./entry-filter.ts";
import { type BatchLimits, runTimeBoxed } from "./time-boxed.ts";

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
