import { createBatchQueue } from "../../lib/batcher.ts";
import { DatabaseUnavailableError } from "../mysql/errors.ts";
import { beginBatch } from "./read-batch.ts";
import type { PendingRequest } from "./types.ts";

/** Maximum number of attempts, each with a lock wait, before a request is rejected. */
const MAX_LOCKED_ATTEMPTS = 3;

/**
 * The queue of requests whose orders another transaction has locked (another server or system), so
 * that no other request waits for those locks. Further requests for these orders join it, so that
 * the requests for an order keep their order.
 */
export interface LockedOrderQueue {
  readonly waiting: number;
  /** Whether it has requests for the order: further ones have to be added too. */
  has(orderId: bigint): boolean;
  add(requests: readonly PendingRequest[]): void;
  /** Rejects all requests that have not started. */
  rejectAll(error: unknown): void;
  idle(): Promise<void>;
}

/**
 * @param run runs a batch, waiting for locks, and defers the requests whose orders are still locked
 */
export function createLockedOrderQueue(
  run: (requests: readonly PendingRequest[], defer: (requests: readonly PendingRequest[]) => void) => Promise<void>,
  maxBatch: number,
): LockedOrderQueue {
  /** The number of requests for each order. */
  const counts = new Map<bigint, number>();
  const attempts = new WeakMap<PendingRequest, number>();
  const queue = createBatchQueue<PendingRequest>(
    async (requests) => {
      const deferred = new Set<PendingRequest>();
      await run(requests, (locked) => {
        for (const request of locked) {
          if (mayRetry(request)) {
            deferred.add(request);
          }
        }
      });
      for (const request of requests) {
        if (!deferred.has(request)) {
          uncount(request);
        }
      }
      if (deferred.size > 0) {
        queue.requeue([...deferred]);
      }
    },
    { maxBatch, beginBatch },
  );

  /** Counts an attempt; rejects the request after its last one. */
  function mayRetry(pending: PendingRequest): boolean {
    const count = (attempts.get(pending) ?? 0) + 1;
    attempts.set(pending, count);
    if (count < MAX_LOCKED_ATTEMPTS) {
      return true;
    }
    pending.reject(
      new DatabaseUnavailableError(new Error(`order ${pending.request.orderId} is locked by another transaction`)),
    );
    return false;
  }

  function uncount({ request: { orderId } }: PendingRequest): void {
    const left = (counts.get(orderId) ?? 1) - 1;
    if (left === 0) {
      counts.delete(orderId);
    } else {
      counts.set(orderId, left);
    }
  }

  return {
    get waiting() {
      return queue.waiting;
    },
    has: (orderId) => counts.has(orderId),
    add(requests) {
      for (const request of requests) {
        const { orderId } = request.request;
        counts.set(orderId, (counts.get(orderId) ?? 0) + 1);
        queue.push(request);
      }
    },
    rejectAll(error) {
      for (const request of queue.remove(() => true)) {
        uncount(request);
        request.reject(error);
      }
    },
    idle: () => queue.idle(),
  };
}
