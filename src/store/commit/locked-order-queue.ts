import { createBatchQueue } from "../../lib/batcher.ts";
import { DatabaseUnavailableError } from "../mysql/errors.ts";
import type { PendingRequest } from "./pending-request.ts";

/** So often a request is found locked out, with a lock wait before each time, before it is given up. */
const MAX_STRIKES = 3;

/**
 * For requests whose orders somebody else has locked: another server, or another system. They wait for the lock here, so that nobody
 * waits with them. Whatever comes for such an order meanwhile joins them, so that the requests for an order stay in turn.
 */
export interface LockedOrderQueue {
  readonly waiting: number;
  /** Whether requests for the order are in here: then further ones have to come in too. */
  has(orderId: bigint): boolean;
  add(works: readonly PendingRequest[]): void;
  /** Rejects all that has not begun. */
  rejectAll(error: unknown): void;
  idle(): Promise<void>;
}

/** @param run runs a batch; says which of its requests are locked out still */
export function createLockedOrderQueue(
  run: (works: readonly PendingRequest[], lockedOut: (works: readonly PendingRequest[]) => void) => Promise<void>,
  maxBatch: number,
): LockedOrderQueue {
  /** How many requests of each order are in here. */
  const inside = new Map<bigint, number>();
  const strikes = new WeakMap<PendingRequest, number>();
  const lane = createBatchQueue<PendingRequest>(async (works) => {
    const stay = new Set<PendingRequest>();
    await run(works, (locked) => {
      for (const work of locked) {
        if (strike(work)) {
          stay.add(work);
        }
      }
    });
    for (const work of works) {
      if (!stay.has(work)) {
        leave(work);
      }
    }
    if (stay.size > 0) {
      lane.requeue([...stay]);
    }
  }, maxBatch);

  /** False where the request is given up. */
  function strike(work: PendingRequest): boolean {
    const count = (strikes.get(work) ?? 0) + 1;
    strikes.set(work, count);
    if (count < MAX_STRIKES) {
      return true;
    }
    work.settle.reject(
      new DatabaseUnavailableError(new Error(`order ${work.request.orderId} is locked by another transaction`)),
    );
    return false;
  }

  function leave({ request: { orderId } }: PendingRequest): void {
    const left = (inside.get(orderId) ?? 1) - 1;
    if (left === 0) {
      inside.delete(orderId);
    } else {
      inside.set(orderId, left);
    }
  }

  return {
    get waiting() {
      return lane.waiting;
    },
    has: (orderId) => inside.has(orderId),
    add(works) {
      for (const work of works) {
        const { orderId } = work.request;
        inside.set(orderId, (inside.get(orderId) ?? 0) + 1);
        lane.push(work);
      }
    },
    rejectAll(error) {
      for (const work of lane.remove(() => true)) {
        leave(work);
        work.settle.reject(error);
      }
    },
    idle: () => lane.idle(),
  };
}
