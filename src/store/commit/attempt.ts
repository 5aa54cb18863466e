import { classifyFailure, type FailureKind } from "../mysql/failures.ts";
import type { CommittedEvent } from "../outbox/outbox.ts";
import { readMark, toMark } from "./commit-mark.ts";
import type { Connected } from "./connector.ts";
import type { PendingRequest } from "./pending-request.ts";
import { type BatchPlan, planBatch } from "./plan.ts";
import { lockStatement, readForBatch } from "./read-orders.ts";
import type { Rows, Session } from "./session.ts";
import type { BatchTimes, CommitterOptions } from "./types.ts";
import { type BatchStatements, writeBatch } from "./write-batch.ts";

/** How far a batch has come. */
export interface BatchProgress {
  /** What is still in it. */
  requests: readonly PendingRequest[];
  /** It was sent, and had no answer yet: it is in the database as a whole or not at all. */
  unanswered: { readonly batch: bigint; readonly plan: BatchPlan } | undefined;
  readonly times: BatchTimes;
}

export interface AttemptContext {
  readonly options: CommitterOptions;
  /** The lane's name among the commit marks. */
  readonly lane: string;
  /** Told apart by the mark; grows with every attempt of the lane. */
  readonly batch: bigint;
  /** Waits for rows that somebody else has locked, in place of leaving them out. */
  readonly waitForLocks: boolean;
  /** Takes the requests whose orders somebody else has locked. */
  readonly defer: (works: readonly PendingRequest[]) => void;
}

/** A batch that is in the database. */
export interface CommittedBatch {
  readonly events: readonly CommittedEvent[];
  /** Tells each caller its answer. */
  readonly settleCallbacks: readonly (() => void)[];
}

/** An answer, and it is no. Whatever else goes wrong may have gone wrong after the commit. */
const GAVE_WAY: readonly FailureKind[] = ["deadlock", "lock-timeout", "duplicate-key"];

/** Tries to commit a batch: two round trips, one to begin, lock and read, one to write and commit. */
export async function attempt(
  progress: BatchProgress,
  { session, tables }: Connected,
  { options, lane, batch, waitForLocks, defer }: AttemptContext,
): Promise<CommittedBatch> {
  const { db, kinds, ledgerWatchMs, crashPoint } = options;
  const { times } = progress;
  const begun = performance.now();
  const facts = await readForBatch(session, progress.requests, { tables, kinds, waitForLocks });
  times.readMs = performance.now() - begun;
  if (facts.lockedByOthers.size > 0) {
    const isElsewhere = ({ request }: PendingRequest) => facts.lockedByOthers.has(request.orderId);
    const aside = progress.requests.filter(isElsewhere);
    for (const work of aside) {
      work.batch = undefined;
    }
    defer(aside);
    progress.requests = progress.requests.filter((work) => !isElsewhere(work));
  }
  const plan = planBatch(progress.requests, facts, options, db.clock.now());
  const statements = writeBatch(plan, { tables, ledgerWatchMs, mark: { lane, batch } });
  if (statements.rest.length === 0) {
    await session.send(["rollback"]);
    return committed(plan, 0n, tables.idStep);
  }
  progress.unanswered = { batch, plan };
  const send = crashPoint === undefined ? sendAtOnce : sendInSteps(crashPoint);
  const sent = performance.now();
  try {
    const mark = toMark(await send(session, statements, readMark(tables, lane)));
    return committed(plan, mark?.firstOutboxId ?? 0n, tables.idStep);
  } catch (error) {
    if (GAVE_WAY.includes(classifyFailure(error))) {
      progress.unanswered = undefined;
    }
    throw error;
  } finally {
    times.writeMs = performance.now() - sent;
  }
}

/** Writes and commits; gives the rows of the mark after that, which says where the events are. */
type Send = (session: Session, statements: BatchStatements, mark: string) => Promise<Rows | undefined>;

const sendAtOnce: Send = async (session, { status, rest }, mark) =>
  (await session.send([...status, ...rest, "commit", mark]))[0];

/** The same with places to stop at, for tests that kill the server there. */
function sendInSteps(crashPoint: (name: string) => void): Send {
  return async (session, { status, rest }, mark) => {
    if (status.length > 0) {
      await session.send(status);
    }
    crashPoint("after-status-write");
    await session.send(rest);
    crashPoint("before-commit");
    await session.send(["commit"]);
    crashPoint("after-commit");
    return (await session.send([mark]))[0];
  };
}

/**
 * Finds out whether a batch that had no answer is committed; undefined where it is not, and never will be. Its orders are locked
 * first: once we have them, nothing of it can be under way any more.
 */
export async function resolveUnanswered(
  { requests, unanswered }: BatchProgress,
  { session, tables }: Connected,
  lane: string,
): Promise<CommittedBatch | undefined> {
  const [, marks] = await session.send([
    "start transaction",
    lockStatement(requests, tables, true),
    readMark(tables, lane),
    "rollback",
  ]);
  const mark = toMark(marks);
  return unanswered !== undefined && mark?.batch === unanswered.batch
    ? committed(unanswered.plan, mark.firstOutboxId, tables.idStep)
    : undefined;
}

function committed(plan: BatchPlan, firstOutboxId: bigint, idStep: bigint): CommittedBatch {
  const events = plan.events.map(({ event, row }, index) => ({
    event,
    row: { id: firstOutboxId + idStep * BigInt(index), ...row },
  }));
  return { events, settleCallbacks: plan.settleCallbacks };
}
