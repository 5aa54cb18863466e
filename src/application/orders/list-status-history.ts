import { type HistoryEntry, readHistory } from "../../store/reads/history.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { parsePageToken } from "../page-token.ts";

const DEFAULT_PAGE_SIZE = 100;

export interface ListStatusHistoryInput {
  readonly orderId: bigint;
  /** 0 means 100. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface ListStatusHistoryResult {
  readonly entries: readonly HistoryEntry[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Everything that was reported for an order and taken, oldest first. */
export async function listStatusHistory(
  { db, readSnapshot }: OperationDeps,
  { orderId, pageSize, pageToken }: ListStatusHistoryInput,
): Promise<ListStatusHistoryResult> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readHistory(db, orderId, { afterId: parsePageToken(pageToken), limit: size + 1 });
  if (rows.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  const entries = rows.slice(0, size);
  return { entries, nextPageToken: rows.length > size ? String(entries.at(-1)?.id) : "" };
}
