import { readInactiveOrders } from "../../store/retention/ended-orders.ts";
import { purgeOrders } from "../../store/retention/purge-orders.ts";
import { FIRST_REQUEST_ID, purgeRequestIds, purgeRequestLog } from "../../store/retention/purge-requests.ts";
import {
  findUnpublished,
  type Page,
  readOrdersOfHistory,
  readOrdersOfLedger,
  readTimeAgo,
} from "../../store/retention/scan.ts";

/** Retention periods in milliseconds; Infinity keeps rows forever. */
export interface RetentionPeriods {
  /** History, ledger entries and request ids of an order that has ended, from its last change. */
  readonly historyMs: number;
  readonly requestLogMs: number;
}

/** A database connection. */
export type Session = Parameters<typeof readTimeAgo>[0];

/** Tables from which rows are deleted, as the metrics name them. */
export type Table = "history" | "ledger" | "request" | "request_log";

/** Position of a scan. */
interface Cursor<Key> {
  readonly first: Key;
  next: Key;
}

const createCursor = <Key>(first: Key): Cursor<Key> => ({ first, next: first });

/** Positions of a pass's scans: an interrupted pass continues from them. */
export type Cursors = ReturnType<typeof createCursors>;

export function createCursors() {
  return {
    history: createCursor(0n),
    ledger: createCursor(0n),
    request: createCursor<Buffer>(FIRST_REQUEST_ID),
    requestLog: createCursor(0n),
  };
}

export interface PassDeps {
  readonly session: Session;
  readonly periods: RetentionPeriods;
  readonly cursors: Cursors;
  /** Runs one short piece of database work and rests; rejects when the job stops. */
  readonly step: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onDeleted: (table: Table, rows: number) => void;
}

/** Orders purged in one transaction: some hundred rows, at a dozen changes each. */
const ORDERS_PER_TRANSACTION = 25;

/** Scans all tables once, page by page, and deletes the rows whose retention period is over. */
export async function runPass(deps: PassDeps): Promise<void> {
  const { session, periods, cursors, step, onDeleted } = deps;
  if (periods.historyMs !== Number.POSITIVE_INFINITY) {
    const before = await readHistoryLimit(deps);
    await scan(
      cursors.history,
      (after) => step(() => readOrdersOfHistory(session, after, before)),
      ({ orderIds }) => purge(deps, orderIds, before),
    );
    await scan(
      cursors.ledger,
      (after) => step(() => readOrdersOfLedger(session, after, before)),
      ({ orderIds }) => purge(deps, orderIds, before),
    );
    await scan(
      cursors.request,
      (after) => step(() => purgeRequestIds(session, after, before)),
      ({ deleted }) => onDeleted("request", deleted),
    );
  }
  if (periods.requestLogMs !== Number.POSITIVE_INFINITY) {
    const before = await step(() => readTimeAgo(session, periods.requestLogMs));
    await scan(
      cursors.requestLog,
      (after) => step(() => purgeRequestLog(session, after, before)),
      ({ deleted }) => onDeleted("request_log", deleted),
    );
  }
}

/** Reads pages from the cursor to the end, and resets the cursor there. */
async function scan<Key, P extends Page<Key>>(
  cursor: Cursor<Key>,
  readPage: (after: Key) => Promise<P>,
  process: (page: P) => Promise<void> | void,
): Promise<void> {
  for (let after: Key | undefined = cursor.next; after !== undefined; ) {
    const page: P = await readPage(after);
    await process(page);
    after = page.next;
    cursor.next = after ?? cursor.first;
  }
}

/**
 * The time before which an order's last change must lie for a purge. While the broker is
 * unavailable it stays before the oldest unpublished event, so that no order with such an event is
 * purged.
 */
async function readHistoryLimit({ session, periods, step }: PassDeps): Promise<Date> {
  const before = await step(() => readTimeAgo(session, periods.historyMs));
  let limit = before;
  await scan(
    createCursor(0n),
    (after) => step(() => findUnpublished(session, after, before)),
    ({ since = before }) => {
      limit = since;
    },
  );
  return limit;
}

async function purge({ session, step, onDeleted }: PassDeps, orderIds: readonly bigint[], before: Date): Promise<void> {
  if (orderIds.length === 0) {
    return;
  }
  const candidates = (await step(() => readInactiveOrders(session, orderIds, before))).map(({ orderId }) => orderId);
  for (let start = 0; start < candidates.length; start += ORDERS_PER_TRANSACTION) {
    const batch = candidates.slice(start, start + ORDERS_PER_TRANSACTION);
    for (let more = true; more; ) {
      const purged = await step(() => purgeOrders(session, batch, before));
      onDeleted("history", purged.history);
      onDeleted("ledger", purged.ledger);
      more = purged.more;
    }
  }
}
