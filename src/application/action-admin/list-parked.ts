import { type ActionEntry, readParkedOrDiscarded } from "../../store/reads/action-entries.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";
import { findAction } from "./action-info.ts";
import { type EntryFilter, matchesFilter } from "./entry-filter.ts";

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
