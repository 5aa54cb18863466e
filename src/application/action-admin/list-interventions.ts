import { type InterventionRow, readInterventions } from "../../store/reads/interventions.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";
import { findAction } from "./action-info.ts";

export interface ListInterventionsInput {
  /** "" for all. */
  readonly action: string;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListInterventionsAnswer {
  readonly interventions: readonly InterventionRow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Who did what about the Actions and why, newest first. */
export async function listInterventions(
  deps: OperationDeps,
  { action, pageSize, pageToken }: ListInterventionsInput,
): Promise<ListInterventionsAnswer> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readInterventions(deps.db, {
    action: action === "" ? undefined : findAction(deps, action).name,
    below: pageToken === "" ? undefined : parsePageToken(pageToken),
    limit: size + 1,
  });
  const interventions = rows.slice(0, size);
  return { interventions, nextPageToken: rows.length > size ? String(interventions.at(-1)?.id) : "" };
}
