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

/** How long what is over is kept, in milliseconds; Infinity for good. */
export interface RetentionPeriods {
  /** History, ledger and request ids of an order that has ended, from its last change on. */
  readonly historyMs: number;
  readonly requestLogMs: number;
}

/** A connection to the tables. */
export type Session = Parameters<typeof readTimeAgo>[0];

/** What rows are deleted from. */
export type Table = "history" | "ledger" | "request" | "request_log";

/** Where a walk goes on. */
interface Place<Key> {
  readonly first: Key;
  at: Key;
}

const placeOf = <Key>(first: Key): Place<Key> => ({ first, at: first });

/** Where the walks of a pass go on: one that is cut short does not begin anew. */
export type Cursors = ReturnType<typeof createCursors>;

export function createCursors() {
  return {
    history: placeOf(0n),
    ledger: placeOf(0n),
    request: placeOf<Buffer>(FIRST_REQUEST_ID),
    requestLog: placeOf(0n),
  };
}

export interface PassDeps {
  readonly session: Session;
  readonly periods: RetentionPeriods;
  readonly cursors: Cursors;
  /** Does one small piece of work at the database, and rests; rejects when it is time to stop. */
  readonly step: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onDeleted: (table: Table, rows: number) => void;
}

/** Orders whose rows one transaction deletes: with a dozen changes each, some hundred rows. */
const ORDERS_PER_TRANSACTION = 25;

/** Goes once through all that may be too old, a page at a time, and deletes what is. */
export async function runPass(deps: PassDeps): Promise<void> {
  const { session, periods, cursors, step, onDeleted } = deps;
  if (periods.historyMs !== Number.POSITIVE_INFINITY) {
    const before = await readHistoryLimit(deps);
    await walk(
      cursors.history,
      (after) => step(() => readOrdersOfHistory(session, after, before)),
      ({ orderIds }) => forget(deps, orderIds, before),
    );
    await walk(
      cursors.ledger,
      (after) => step(() => readOrdersOfLedger(session, after, before)),
      ({ orderIds }) => forget(deps, orderIds, before),
    );
    await walk(
      cursors.request,
      (after) => step(() => purgeRequestIds(session, after, before)),
      ({ deleted }) => onDeleted("request", deleted),
    );
  }
  if (periods.requestLogMs !== Number.POSITIVE_INFINITY) {
    const before = await step(() => readTimeAgo(session, periods.requestLogMs));
    await walk(
      cursors.requestLog,
      (after) => step(() => purgeRequestLog(session, after, before)),
      ({ deleted }) => onDeleted("request_log", deleted),
    );
  }
}

async function walk<Key, P extends Page<Key>>(
  place: Place<Key>,
  read: (after: Key) => Promise<P>,
  take: (page: P) => Promise<void> | void,
): Promise<void> {
  for (let next: Key | undefined = place.at; next !== undefined; ) {
    const page: P = await read(next);
    await take(page);
    next = page.next;
    place.at = next ?? place.first;
  }
}

/**
 * Orders whose last change is older may be forgotten; while the broker is away for so long, none
 * that it has not heard all of.
 */
async function readHistoryLimit({ session, periods, step }: PassDeps): Promise<Date> {
  const before = await step(() => readTimeAgo(session, periods.historyMs));
  let limit = before;
  await walk(
    placeOf(0n),
    (after) => step(() => findUnpublished(session, after, before)),
    ({ since = before }) => {
      limit = since;
    },
  );
  return limit;
}

async function forget(
  { session, step, onDeleted }: PassDeps,
  orderIds: readonly bigint[],
  before: Date,
): Promise<void> {
  if (orderIds.length === 0) {
    return;
  }
  const candidates = (await step(() => readInactiveOrders(session, orderIds, before))).map(({ orderId }) => orderId);
  for (let start = 0; start < candidates.length; start += ORDERS_PER_TRANSACTION) {
    const batch = candidates.slice(start, start + ORDERS_PER_TRANSACTION);
    for (let more = true; more; ) {
      const forgotten = await step(() => purgeOrders(session, batch, before));
      onDeleted("history", forgotten.history);
      onDeleted("ledger", forgotten.ledger);
      more = forgotten.more;
    }
  }
}
