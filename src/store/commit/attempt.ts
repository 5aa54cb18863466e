import { classifyFailure, type FailureKind } from "../mysql/errors.ts";
import type { Rows } from "../mysql/read.ts";
import type { CommittedEvent } from "../outbox/outbox.ts";
import type { Connected } from "./connector.ts";
import { type BatchPlan, planBatch } from "./plan.ts";
import { orderIdsOf, readForBatch, waitForLocksStatement } from "./read-batch.ts";
import type { Session } from "./session.ts";
import type { BatchTimes, CommitterOptions, PendingRequest } from "./types.ts";
import { type BatchStatements, proofOf, toOutboxId, writeBatch } from "./write-batch.ts";

/** The progress of a batch. */
export interface BatchProgress {
  /** The requests that are still in it. */
  requests: readonly PendingRequest[];
  /** It was sent without an answer yet: it is committed as a whole or not at all. */
  unanswered: Unanswered | undefined;
  readonly times: BatchTimes;
}

interface Unanswered {
  readonly plan: BatchPlan;
  /** An id in the outbox before those of the batch. */
  readonly afterOutboxId: bigint;
}

export interface AttemptContext {
  readonly options: CommitterOptions;
  /** Waits for rows that others have locked; otherwise their requests are deferred. */
  readonly waitForLocks: boolean;
  /** Takes over the requests whose orders others have locked. */
  readonly defer: (requests: readonly PendingRequest[]) => void;
}

/** A batch that is committed. */
export interface CommittedBatch {
  readonly events: readonly CommittedEvent[];
  /** Answer the callers. */
  readonly settleCallbacks: readonly (() => void)[];
}

/**
 * Failures that are the database's answer: nothing was committed. Any other may follow a commit.
 */
const NOT_COMMITTED: readonly FailureKind[] = ["deadlock", "lock-timeout", "duplicate-key"];

/** Tries to commit a batch, in two round trips: begin, lock and read; write and commit. */
export async function attempt(
  progress: BatchProgress,
  connected: Connected,
  { options, waitForLocks, defer }: AttemptContext,
): Promise<CommittedBatch> {
  const { session, tables } = connected;
  const { db, kinds, ledgerWatchMs, crashPoint } = options;
  const { times } = progress;
  const startedAt = performance.now();
  const facts = await readForBatch(session, progress.requests, { tables, kinds, waitForLocks });
  times.readMs = performance.now() - startedAt;
  if (facts.lockedByOthers.size > 0) {
    deferLocked(progress, facts.lockedByOthers, defer);
  }
  const plan = planBatch(progress.requests, facts, options, db.clock.now());
  const statements = writeBatch(plan, { tables, ledgerWatchMs });
  if (statements.rest.length === 0) {
    await session.send(["rollback"]);
    return committedBatch(plan, 0n, tables.idStep);
  }
  progress.unanswered = { plan, afterOutboxId: connected.lastOutboxId };
  const send = crashPoint === undefined ? sendAtOnce : sendInSteps(crashPoint);
  const sentAt = performance.now();
  try {
    const batch = committedBatch(plan, toOutboxId(await send(session, statements)), tables.idStep);
    connected.lastOutboxId = batch.events.at(-1)?.row.id ?? connected.lastOutboxId;
    return batch;
  } catch (error) {
    if (NOT_COMMITTED.includes(classifyFailure(error))) {
      progress.unanswered = undefined;
    }
    throw error;
  } finally {
    times.writeMs = performance.now() - sentAt;
  }
}

function deferLocked(
  progress: BatchProgress,
  lockedByOthers: ReadonlySet<bigint>,
  defer: AttemptContext["defer"],
): void {
  const isLocked = ({ request }: PendingRequest) => orderIdsOf(request).some((id) => lockedByOthers.has(id));
  const locked = progress.requests.filter(isLocked);
  for (const pending of locked) {
    pending.batch = undefined;
  }
  defer(locked);
  progress.requests = progress.requests.filter((pending) => !isLocked(pending));
}

/** Writes, commits, and reads the id of the first event, if any. */
type Send = (session: Session, statements: BatchStatements) => Promise<Rows | undefined>;

const sendAtOnce: Send = async (session, { status, rest, outboxId }) =>
  (await session.send([...status, ...rest, "commit", ...outboxId]))[0];

/** The same with crash points between the statements. */
function sendInSteps(crashPoint: (name: string) => void): Send {
  return async (session, { status, rest, outboxId }) => {
    if (status.length > 0) {
      await session.send(status);
    }
    crashPoint("after-status-write");
    await session.send(rest);
    crashPoint("before-commit");
    await session.send(["commit"]);
    crashPoint("after-commit");
    return outboxId.length === 0 ? undefined : (await session.send(outboxId))[0];
  };
}

/**
 * Whether a batch without an answer is committed; undefined where it is not and never will be, or
 * where it may be repeated: its request ids then lead to the first answers. It locks the batch's
 * orders first: once it has the locks, no part of the batch is still running.
 */
export async function resolveUnanswered(
  { requests, unanswered }: BatchProgress,
  { session, tables }: Connected,
): Promise<CommittedBatch | undefined> {
  const proof = unanswered && proofOf(unanswered.plan, unanswered.afterOutboxId, tables);
  const [, found] = await session.send([
    "start transaction",
    waitForLocksStatement(requests, tables),
    ...(proof === undefined ? [] : [proof]),
    "rollback",
  ]);
  return unanswered === undefined || found === undefined || found.length === 0
    ? undefined
    : committedBatch(unanswered.plan, toOutboxId(found), tables.idStep);
}

function committedBatch(plan: BatchPlan, firstOutboxId: bigint, idStep: bigint): CommittedBatch {
  const events = plan.events.map(({ event, row }, index) => ({
    event,
    row: { id: firstOutboxId + idStep * BigInt(index), ...row },
  }));
  return { events, settleCallbacks: plan.settleCallbacks };
}
