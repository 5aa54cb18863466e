import type { CompiledQuery } from "kysely";
import type { Cause, OrderEvent } from "../../domain/events.ts";
import type { Order } from "../../domain/order.ts";
import type { Read } from "../mysql/read.ts";
import type { NewOrder } from "../orders/insert-orders.ts";
import type { RequestName } from "../orders/request-answers.ts";

/** The results of a change's reads, by name. */
export type ReadResults = Readonly<Record<string, unknown>>;

/**
 * A change that its use case decides: everything but reports and pauses, which the committer
 * decides itself.
 */
export interface OrderChange<Result = unknown, Results extends ReadResults = ReadResults> extends RequestName {
  readonly kind: "change";
  readonly orderId: bigint;
  /** Further orders to lock; none by default. */
  readonly otherOrderIds?: readonly bigint[];
  /** It creates the order: there must be none with this id. Default: false. */
  readonly creates?: boolean;
  readonly cause: Cause;
  /** SHA-1 of what a repeat of the request id must have in common with the first request. */
  readonly contentDigest: Buffer;
  /** What the decision needs besides the orders. */
  readonly reads: { readonly [Name in keyof Results]: Read<Results[Name]> };
  /**
   * Decides the change. Must have no effects: it may run several times. What it throws rejects this
   * change alone.
   */
  decide(facts: ChangeFacts<Results>): DecidedChange<Result>;
}

/** What a change is decided on. */
export interface ChangeFacts<Results extends ReadResults = ReadResults> {
  /** Undefined where there is no such order, or the call may not see it. */
  readonly order: Order | undefined;
  /** The orders that exist and are visible, of `orderId` and `otherOrderIds`, in that order. */
  readonly orders: readonly Order[];
  readonly reads: Results;
  readonly now: Date;
}

/** A decided change: its answer, and what is written with it. */
export interface DecidedChange<Result> {
  /** Stored as the answer to the request id, unless it is undefined. */
  readonly result: Result;
  /** In this order; status changes are written to the history too. */
  readonly events: readonly OrderEvent[];
  /** The order afterwards, if its status row changes. */
  readonly after?: Order | undefined;
  readonly created?: readonly NewOrder[];
  /** Writes to tables that only such changes write, run after those of the orders. */
  readonly statements?: readonly CompiledQuery[];
}

/** The answer to a change. */
export type ChangeOutcome<Result> =
  | { readonly kind: "decided"; readonly result: Result }
  /** The request id was used with another content. */
  | { readonly kind: "request-id-reused" }
  /** Of a change that creates an order. */
  | { readonly kind: "order-exists" };

/** The orders that a change locks or creates. */
export function orderIdsOfChange({ orderId, otherOrderIds = [] }: OrderChange): readonly bigint[] {
  return [orderId, ...otherOrderIds];
}
