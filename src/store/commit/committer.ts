import { setImmediate } from "node:timers/promises";
import type { PauseResult } from "../../domain/pause.ts";
import type { ReportResult } from "../../domain/status-report.ts";
import { type BatchQueue, createBatchQueue } from "../../lib/batcher.ts";
import { DatabaseUnavailableError, QueueFullError } from "../mysql/errors.ts";
import { type Connector, createConnector } from "./connector.ts";
import { createLockedOrderQueue } from "./locked-order-queue.ts";
import type { ChangeOutcome, OrderChange, ReadResults } from "./order-change.ts";
import { beginBatch, orderIdsOf } from "./read-batch.ts";
import { type BatchContext, runBatch } from "./run-batch.ts";
import type { CallScope, Committer, CommitterOptions, PendingRequest } from "./types.ts";

/** RetryInfo delay when the queue is full, in ms: about the time to empty it. */
const RETRY_AFTER_MS = 250;

/**
 * The group committer: requests that arrive during a commit are committed together in the next one.
 * The requests for an order keep their order. Opens `lanes` + 1 connections of its own, on demand.
 *
 * An UpdateOrderStatus passes: a queue (lib/batcher.ts) → run-batch.ts (retry, split) →
 * attempt.ts (two round trips: read-batch.ts, plan.ts, write-batch.ts) → session.ts.
 */
export function createCommitter(options: CommitterOptions): Committer {
  const { db, lanes: laneCount = 1, maxBatch = 256, maxQueue = 4_096, observe } = options;
  let closed = false;

  const openConnector = () => createConnector(db.location);
  const connectors = [openConnector(), ...Array.from({ length: laneCount }, openConnector)];
  const [lockedLane, ...lanes] = connectors as [Connector, ...Connector[]];
  const lockedOrders = createLockedOrderQueue((requests, defer) => {
    reportQueueLength();
    return runBatch(requests, {
      options,
      connector: lockedLane,
      waitForLocks: true,
      defer,
      onUnavailable: (error) => lockedOrders.rejectAll(error),
    });
  }, maxBatch);

  const queues = lanes.map((connector): BatchQueue<PendingRequest> => {
    const queue: BatchQueue<PendingRequest> = createBatchQueue(
      (requests) => {
        reportQueueLength();
        return runBatch(requests, context);
      },
      { maxBatch, beginBatch },
    );
    const context: BatchContext = {
      options,
      connector,
      waitForLocks: false,
      defer(requests) {
        // Later requests for the same orders are deferred too, to keep their order.
        const orders = new Set(requests.flatMap(({ request }) => orderIdsOf(request)));
        const isLater = ({ request }: PendingRequest) => orderIdsOf(request).some((id) => orders.has(id));
        lockedOrders.add([...requests, ...queue.remove(isLater)]);
      },
      onUnavailable(error) {
        for (const { reject } of queue.remove(() => true)) {
          reject(error);
        }
      },
    };
    return queue;
  });

  const waiting = () => queues.reduce((sum, queue) => sum + queue.waiting, lockedOrders.waiting);
  const reportQueueLength = () => observe?.queued?.(waiting());

  function enqueue(pending: PendingRequest): void {
    const { orderId } = pending.request;
    pending.call.change = pending;
    if (closed) {
      pending.reject(new DatabaseUnavailableError(new Error("the committer is closed")));
    } else if (waiting() >= maxQueue) {
      pending.reject(new QueueFullError(RETRY_AFTER_MS));
    } else if (lockedOrders.has(orderId)) {
      lockedOrders.add([pending]);
    } else {
      queues[laneOf(orderId, laneCount)]?.push(pending);
    }
  }

  function submit<Result>(request: PendingRequest["request"], call: CallScope = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const pending = { request, call, resolve, reject, enqueuedAt: performance.now(), batch: undefined };
      enqueue(pending as unknown as PendingRequest);
    });
  }

  return {
    report: (request, call) => submit<ReportResult>(request, call),
    pause: (request, call) => submit<PauseResult>(request, call),
    change: <Result, Results extends ReadResults>(request: OrderChange<Result, Results>, call?: CallScope) =>
      submit<ChangeOutcome<Result>>(request as unknown as OrderChange, call),
    async close() {
      closed = true;
      await Promise.all(queues.map((queue) => queue.idle()));
      await lockedOrders.idle();
      // The events of the last batch are handed over in an event loop turn of their own.
      await setImmediate();
      for (const connector of connectors) {
        connector.close();
      }
    },
  };
}

/** Spreads consecutive ids, and ids of which only every tenth is used. */
function laneOf(orderId: bigint, lanes: number): number {
  return (Math.imul(Number(orderId % 4_294_967_291n), 0x9e3779b1) >>> 16) % lanes;
}
