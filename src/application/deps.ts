import type { OrderEvent } from "../domain/events.ts";
import type { OrderKinds } from "../domain/order-kinds.ts";
import type { Committer } from "../store/commit/types.ts";
import type { InterventionDeps } from "../store/ledger/interventions.ts";
import type { OpenTotals } from "../store/ledger/open-counts.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { FlowOrder } from "../store/reads/flows.ts";
import type { Snapshot } from "../store/reads/snapshots.ts";
import type { ChangeFeed } from "./watch/change-feed.ts";

/** An Action as operators see it. */
export interface ActionInfo {
  /** Its name in the ledger. */
  readonly name: string;
  /**
   * An effect in an external system; a step of a flow, which moves the order; or a timer, which
   * fires at a time.
   */
  readonly kind: "effect" | "step" | "timer";
  /** The subjects of the events it subscribes to; `*` matches one token. Empty for a timer. */
  readonly subjects: readonly string[];
  /** Whether it handles this event. Pure: always the same for the same event. */
  matches(event: OrderEvent): boolean;
}

/** The dependencies of the operations. */
export interface OperationDeps {
  readonly db: OrderDatabase;
  readonly committer: Committer;
  /** For changes of the ledger by operators. */
  readonly interventions: InterventionDeps;
  /** Reads the status of one order; concurrent calls share a query. */
  readonly readSnapshot: (orderId: bigint) => Promise<Snapshot | undefined>;
  /** The same for watches: thousands that begin at once do not delay single reads. */
  readonly readWatchedSnapshot: (orderId: bigint) => Promise<Snapshot | undefined>;
  /** Reads what a step of the forward flow needs; concurrent calls share a query. */
  readonly readFlowOrder: (orderId: bigint) => Promise<FlowOrder | undefined>;
  /** Counts the open entries of each of these Actions; concurrent calls share a query. */
  readonly readOpenTotals: (actions: readonly string[]) => Promise<ReadonlyMap<string, OpenTotals>>;
  readonly feed: ChangeFeed;
  /** All: effects, steps and timers. */
  readonly actions: readonly ActionInfo[];
  /** Minimum retention of published outbox rows, in ms. */
  readonly outboxRetentionMs: number;
  readonly kinds: OrderKinds;
  /** How long after its creation an order can be paid, in ms (legacy operation 9: 30 minutes). */
  readonly paymentTimeoutMs: number;
  /** How long the WMS has to answer a cancel request, in ms. */
  readonly wmsAnswerMs: number;
  readonly now: () => Date;
}
