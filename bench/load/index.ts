import type { Status } from "../../src/domain/state-machine.ts";
import { startScript } from "../../tools/testkit/child.ts";

/** Orders with evenly spaced ids. */
export interface OrderIds {
  /** Decimal integer; ids exceed the range of JSON numbers. */
  readonly first: string;
  readonly count: number;
  /** Difference between successive ids; 1 by default. */
  readonly step?: number;
}

/**
 * Type of calls:
 * - `update-status`: each caller moves orders through their lifecycle, one after the other; each
 *   order is used once
 * - `get-status`: reads a random order
 * - `mixed`: four `get-status` per `update-status`
 * - `batch-update`: each caller moves 100 orders at a time through their lifecycle, one step of all
 *   per call
 * - `set-pause`: alternately pauses and resumes an order
 * - `submit-order`: creates orders with generated ids; `orders` is not used
 */
export type Call = "update-status" | "get-status" | "mixed" | "batch-update" | "set-pause" | "submit-order";

export interface LoadJob {
  readonly protocol: "grpc" | "connect-json";
  /** Callers are distributed evenly over these ports. */
  readonly ports: readonly number[];
  readonly call: Call;
  /** Concurrent calls; in an open loop it determines the number of connections only. */
  readonly callers: number;
  /** Measured time, after the warm-up. */
  readonly seconds: number;
  readonly warmup: number;
  /**
   * Open loop with this rate in calls per second; latencies count from the scheduled start. Closed
   * loop without it.
   */
  readonly perSecond?: number;
  readonly orders: OrderIds;
  /**
   * Callers share this number of orders. Calls of one order are pipelined over one connection, so
   * they arrive in order. Without it each caller has orders of its own.
   */
  readonly sharedOrders?: number;
  /** Statuses after CREATED; the usual lifecycle by default. */
  readonly lifecycle?: readonly Status[];
  /** Statuses that are repeated after `lifecycle`, for orders that never end. */
  readonly cycle?: readonly Status[];
  /** Whether changes have a request id; true by default. */
  readonly requestIds?: boolean;
}

/** Measurements of the time after the warm-up. */
export interface LoadResult {
  /** Successful calls per second. */
  readonly perSecond: number;
  /** Changes per second; 100 per call of `batch-update`. */
  readonly changesPerSecond: number;
  /** Calls rejected because of overload: RESOURCE_EXHAUSTED with RetryInfo. */
  readonly rejected: number;
  /** All other unsuccessful calls, including the warm-up. */
  readonly failed: number;
  /** Latencies of successful calls, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Latencies of rejected calls, in milliseconds; 0 without any. */
  readonly rejectedP50: number;
  readonly rejectedP99: number;
  /** Cores used by the generator. */
  readonly cpu: number;
  /** Number of changes, including the warm-up. */
  readonly changes: number;
}

/** Reply to a call: a message, a rejection because of overload, or any other failure. */
export type Reply = Buffer | "rejected" | "failed";

/** A minimal client. */
export interface Connection {
  call(path: string, body: Uint8Array, done: (reply: Reply) => void): void;
  close(): void;
}

/** Runs the load generator as a process of its own. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const child = startScript("bench/load/generator.ts", { args: [JSON.stringify(job)] });
  const line = await child.line();
  await child.exited();
  if (line === undefined) {
    throw new Error("the load generator exited without a result");
  }
  return JSON.parse(line) as LoadResult;
}
