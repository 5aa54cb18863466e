import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import { deletePublished, MAX_COMMIT_SKEW_MS, type OutboxRow, readUnpublished } from "../../store/outbox/outbox.ts";
import type { PublishedRows } from "./published-rows.ts";
import { lastIdBefore, type OutboxDatabase } from "./republish.ts";

/** Rows read at a time, and pages looked at in one sweep. */
const PAGE = 500;
const PAGES = 10;

/** How often a look goes through all rows none the less, in milliseconds: a server may have slept between its clock and its commit. */
const LOOK_AT_ALL_MS = 600_000;

/**
 * Deletes what was acknowledged long enough ago, and looks for rows that are older than they would be if their server lived: those are
 * published here, and deleted in their turn.
 */
export function startSweep({
  db,
  log,
  published,
  keepMs,
  sweepMs,
  idle,
  publish,
  beforeEach,
}: {
  readonly db: OutboxDatabase;
  readonly log: Logger;
  readonly published: PublishedRows;
  readonly keepMs: number;
  readonly sweepMs: number;
  /** Whether there is nothing better to publish. */
  readonly idle: () => boolean;
  readonly publish: (rows: readonly OutboxRow[]) => void;
  readonly beforeEach: () => void;
}): Pick<PollLoop, "stop"> {
  /** A living server deletes its rows within this time of their commit, as long as the broker is there. */
  const abandonedMs = keepMs + Math.max(4 * sweepMs, keepMs / 5);
  /** Where the next look for abandoned rows begins; those before it are known, or taken care of. */
  let lookedTo = 0n;
  /** Up to here all rows are old and published, kept for Actions that are not done with them: perhaps a million, which few looks go through. */
  let keptTo = 0n;
  let keptSince = performance.now();

  const deleteOld = async (signal: AbortSignal) => {
    for (;;) {
      const old = published.oldestBefore(performance.now() - keepMs);
      if (old === undefined || signal.aborted) {
        return;
      }
      await deletePublished(db, old.ids);
      old.remove();
    }
  };

  /** The last row before which, by all experience, nobody can be about to commit one. */
  const lastOldId = (signal: AbortSignal) =>
    lastIdBefore(db, new Date(db.clock.now().getTime() - abandonedMs - MAX_COMMIT_SKEW_MS), signal);

  const publishAbandoned = async (signal: AbortSignal) => {
    if (performance.now() - keptSince > LOOK_AT_ALL_MS) {
      keptTo = 0n;
      keptSince = performance.now();
    }
    for (let page = 0; page < PAGES && !signal.aborted; page += 1) {
      const afterId = lookedTo > keptTo ? lookedTo : keptTo;
      const rows = await readUnpublished(db, { olderThanMs: abandonedMs, afterId, limit: PAGE });
      if (afterId === keptTo) {
        keptTo = rows[0] === undefined ? await lastOldId(signal) : rows[0].id - 1n;
      }
      const known = published.known(rows.map(({ id }) => id));
      const abandoned = rows.filter(({ id }) => !known.has(id));
      if (abandoned.length > 0) {
        log.warn({ rows: abandoned.length }, "events that nobody published or deleted in time are published again");
        publish(abandoned);
      }
      lookedTo = rows.length === PAGE ? (rows.at(-1)?.id ?? 0n) : 0n;
      if (lookedTo === 0n) {
        return;
      }
    }
  };

  const sweep = async (signal: AbortSignal) => {
    beforeEach();
    await deleteOld(signal);
    if (idle()) {
      await publishAbandoned(signal);
    }
  };

  return createPollLoop(sweep, {
    intervalMs: sweepMs,
    initialDelayMs: sweepMs,
    onError: (error) => log.debug({ err: error }, "outbox sweep failed; retrying"),
  });
}
