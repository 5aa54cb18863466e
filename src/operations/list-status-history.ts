import { type HistoryEntry, readHistory } from "../store/reads/history.ts";
import type { OperationDeps } from "./deps.ts";
import { invalidField, orderNotFound } from "./errors.ts";

const DEFAULT_PAGE_SIZE = 100;

/** The greatest id that a page can begin after. */
const MAX_ID = 2n ** 63n - 1n;

export interface ListStatusHistoryInput {
  readonly orderId: bigint;
  /** 0 means 100. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface ListStatusHistoryAnswer {
  readonly entries: readonly HistoryEntry[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Everything that was reported for an order and taken, oldest first. */
export async function listStatusHistory(
  { db, readSnapshot }: OperationDeps,
  { orderId, pageSize, pageToken }: ListStatusHistoryInput,
): Promise<ListStatusHistoryAnswer> {
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const rows = await readHistory(db, orderId, { afterId: placeOf(pageToken), limit: size + 1 });
  if (rows.length === 0 && (await readSnapshot(orderId)) === undefined) {
    throw orderNotFound(orderId);
  }
  const entries = rows.slice(0, size);
  return { entries, nextPageToken: rows.length > size ? String(entries.at(-1)?.id) : "" };
}

function placeOf(token: string): bigint {
  const place = /^\d{0,19}$/.test(token) ? BigInt(token) : -1n;
  if (place < 0n || place > MAX_ID) {
    throw invalidField("page_token", `must be the next_page_token of the page before, was ${JSON.stringify(token)}`);
  }
  return place;
}
