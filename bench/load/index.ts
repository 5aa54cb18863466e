import type { Status } from "../../src/domain/state-machine.ts";
import { startScript } from "../../tools/testkit/child.ts";

/** Orders whose ids are evenly apart. */
export interface OrderIds {
  /** A whole number in decimal digits: ids go beyond what a JSON number holds. */
  readonly first: string;
  readonly count: number;
  /** From one id to the next; 1 unless told. */
  readonly step?: number;
}

/**
 * What is called:
 * - `update-status`: each caller leads orders through their lives, one after the other; each order is taken once;
 * - `get-status`: any of the orders;
 * - `mixed`: four `get-status` to one `update-status`;
 * - `batch-update`: each caller leads 100 orders at a time through their lives, a step of all of them in one call;
 * - `set-pause`: pauses an order and takes that back, in turn.
 */
export type Call = "update-status" | "get-status" | "mixed" | "batch-update" | "set-pause";

export interface LoadJob {
  readonly protocol: "grpc" | "connect-json";
  /** Callers are spread over them evenly. */
  readonly ports: readonly number[];
  readonly call: Call;
  /** Calls under way at any time; in an open loop the connections are as for so many. */
  readonly callers: number;
  /** Of measuring, after the warm-up. */
  readonly seconds: number;
  readonly warmup: number;
  /** An open loop: begins so many calls a second, whatever is under way; times count from when a call was due. */
  readonly perSecond?: number;
  readonly orders: OrderIds;
  /**
   * Callers share so many orders, and call one without waiting for each other's answers, over the same connection, so that the calls of one
   * order arrive in order. Left out: each caller has orders of its own.
   */
  readonly sharedOrders?: number;
  /** The statuses after CREATED that orders are led through; an ordinary life without it. */
  readonly lifecycle?: readonly Status[];
  /** What comes after that, again and again, for orders that never end. */
  readonly cycle?: readonly Status[];
  /** Sent with each change, so that repeats are found out; true unless told. */
  readonly requestIds?: boolean;
}

/** What the load met with in the measured seconds. */
export interface LoadResult {
  /** Calls a second that did what was asked. */
  readonly perSecond: number;
  /** Changes a second: of `batch-update` a hundred for each call. */
  readonly changesPerSecond: number;
  /** Calls turned away for overload: RESOURCE_EXHAUSTED with RetryInfo. */
  readonly rejected: number;
  /** All other calls that did not do what was asked; in the warm-up too. */
  readonly failed: number;
  /** Times of the calls that did what was asked, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Times of the calls turned away, in milliseconds; 0 where there is none. */
  readonly rejectedP50: number;
  readonly rejectedP99: number;
  /** The share of one core that the generator took. */
  readonly cpu: number;
  /** All changes made, the warm-up's included. */
  readonly changes: number;
}

/** Runs the load from a process of its own. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const child = startScript("bench/load/generator.ts", { args: [JSON.stringify(job)] });
  const line = await child.line();
  await child.exited();
  if (line === undefined) {
    throw new Error("the load generator ended without a result");
  }
  return JSON.parse(line) as LoadResult;
}
