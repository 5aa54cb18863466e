import {
  readShadowDifferences,
  readShadowMethods,
  type ShadowDifferenceRow,
  type ShadowMethodRow,
} from "../../store/reads/shadow.ts";
import type { OperationDeps } from "../deps.ts";
import { parsePageToken } from "../page-token.ts";

/**
 * How often each legacy method's answers were compared with the legacy system's, and the results;
 * by name.
 */
export function listShadowMethods({ db }: OperationDeps): Promise<readonly ShadowMethodRow[]> {
  return readShadowMethods(db);
}

export interface ListShadowDifferencesInput {
  /** "" for all. */
  readonly method: string;
  /** 0 means 100. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListShadowDifferencesResult {
  readonly differences: readonly ShadowDifferenceRow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** The differences between our answers and the legacy system's, newest first. */
export async function listShadowDifferences(
  { db }: OperationDeps,
  { method, pageSize, pageToken }: ListShadowDifferencesInput,
): Promise<ListShadowDifferencesResult> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readShadowDifferences(db, {
    method: method === "" ? undefined : method,
    below: pageToken === "" ? undefined : parsePageToken(pageToken),
    limit: size + 1,
  });
  const differences = rows.slice(0, size);
  return { differences, nextPageToken: rows.length > size ? String(differences.at(-1)?.id) : "" };
}
