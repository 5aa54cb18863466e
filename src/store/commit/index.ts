import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { type BatchQueue, createBatchQueue } from "../../lib/batcher.ts";
import { DatabaseUnavailableError, QueueFullError } from "../mysql/errors.ts";

import { type Connector, createConnector } from "./connector.ts";
import { createLockedOrderQueue } from "./locked-order-queue.ts";
import type { PendingRequest } from "./pending-request.ts";
import { type BatchContext, runBatch } from "./run-batch.ts";
import type { Committer, CommitterOptions } from "./types.ts";

export type * from "./types.ts";

/** What a full queue tells its callers to wait, in milliseconds: about as long as it takes to empty. */
const RETRY_AFTER_MS = 250;

/**
 * The group committer: requests that come while a commit is under way go together in the next one. Requests for an order are taken
 * in the order they came in. Opens `lanes` + 1 connections of its own, when they are first needed.
 */
export function createCommitter(options: CommitterOptions): Committer {
  const { db, lanes: laneCount = 1, maxBatch = 256, maxQueue = 4_096, observe } = options;
  const server = randomUUID();
  const contexts: { readonly connector: Connector; readonly lane: string }[] = [];
  let closed = false;

  function contextOf(name: string): Omit<BatchContext, "waitForLocks" | "defer" | "onUnavailable"> {
    const connector = createConnector(db.location);
    const lane = `${server}-${name}`;
    contexts.push({ connector, lane });
    let batch = 0n;
    return { options, connector, lane, nextBatch: () => ++batch };
  }

  const patient = { ...contextOf("waiting"), waitForLocks: true };
  const waitingRoom = createLockedOrderQueue((works, defer) => {
    queued();
    return runBatch(works, { ...patient, defer, onUnavailable: (error) => waitingRoom.rejectAll(error) });
  }, maxBatch);

  const lanes = Array.from({ length: laneCount }, (_, index): BatchQueue<PendingRequest> => {
    const lane: BatchQueue<PendingRequest> = createBatchQueue((works) => {
      queued();
      return runBatch(works, context);
    }, maxBatch);
    const context: BatchContext = {
      ...contextOf(String(index)),
      waitForLocks: false,
      defer(works) {
        // Whoever waits behind them for the same order goes along, lest somebody overtake.
        const orders = new Set(works.map(({ request }) => request.orderId));
        waitingRoom.add([...works, ...lane.remove(({ request }) => orders.has(request.orderId))]);
      },
      onUnavailable(error) {
        for (const { settle } of lane.remove(() => true)) {
          settle.reject(error);
        }
      },
    };
    return lane;
  });

  const waiting = () => lanes.reduce((sum, lane) => sum + lane.waiting, waitingRoom.waiting);
  const queued = () => observe?.queued?.(waiting());

  function take(work: PendingRequest): void {
    const { orderId, cause } = work.request;
    if (cause.tracker !== undefined) {
      cause.tracker.change = work;
    }
    if (closed) {
      work.settle.reject(new DatabaseUnavailableError(new Error("the committer is closed")));
    } else if (waiting() >= maxQueue) {
      work.settle.reject(new QueueFullError(RETRY_AFTER_MS));
    } else if (waitingRoom.has(orderId)) {
      waitingRoom.add([work]);
    } else {
      lanes[laneOf(orderId, laneCount)]?.push(work);
    }
  }

  return {
    report: (request) =>
      new Promise((resolve, reject) =>
        take({ request, settle: { resolve, reject }, enqueuedAt: performance.now(), batch: undefined }),
      ),
    pause: (request) =>
      new Promise((resolve, reject) =>
        take({ request, settle: { resolve, reject }, enqueuedAt: performance.now(), batch: undefined }),
      ),
    async close() {
      closed = true;
      await Promise.all(lanes.map((lane) => lane.idle()));
      await waitingRoom.idle();
      // The events of the last batch are handed over in a turn of their own.
      await setImmediate();
      await Promise.all(contexts.map(({ connector, lane }) => connector.close(lane)));
    },
  };
}

/** Spreads neighbouring ids, and ids of which only every tenth is used. */
function laneOf(orderId: bigint, lanes: number): number {
  return (Math.imul(Number(orderId % 4_294_967_291n), 0x9e3779b1) >>> 16) % lanes;
}
