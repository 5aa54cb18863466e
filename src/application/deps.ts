import type { OrderEvent } from "../domain/events.ts";
import type { OrderKinds } from "../domain/order-kinds.ts";
import type { Committer } from "../store/commit/types.ts";
import type { OpenTotals } from "../store/ledger/open-counts.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { ChangeDeps } from "../store/orders/types.ts";
import type { FlowOrder } from "../store/reads/flows.ts";
import type { Snapshot } from "../store/reads/snapshots.ts";
import type { ChangeFeed } from "./watch/change-feed.ts";

/** Anything that follows an event by itself, as those see it who look after it. */
export interface ActionInfo {
  /** Its name in the ledger. */
  readonly name: string;
  /** An effect in another system; a step of a flow, which moves the order; or a timer, which goes off at a time. */
  readonly kind: "effect" | "step" | "timer";
  /** The subjects of the events that it may ask for; `*` stands for one part. None for a timer. */
  readonly subjects: readonly string[];
  /** Whether it has something to do for this event: the same whenever it is asked. */
  matches(event: OrderEvent): boolean;
}

/** What the operations work with. */
export interface OperationDeps {
  readonly db: OrderDatabase;
  readonly committer: Committer;
  /** For the changes that are no status changes. */
  readonly changes: ChangeDeps;
  /** Reads where one order stands; concurrent calls share a query. */
  readonly readSnapshot: (orderId: bigint) => Promise<Snapshot | undefined>;
  /** Reads what a step of the forward flow looks at; concurrent calls share a query. */
  readonly readFlowOrder: (orderId: bigint) => Promise<FlowOrder | undefined>;
  /** Counts how much is open of each of these Actions; concurrent calls share a count. */
  readonly readOpenSums: (actions: readonly string[]) => Promise<ReadonlyMap<string, OpenTotals>>;
  readonly feed: ChangeFeed;
  /** All of them: the Actions proper, the flows' steps, the timers. */
  readonly actions: readonly ActionInfo[];
  /** How long the relay keeps published outbox rows at least, in milliseconds. */
  readonly outboxRetentionMs: number;
  readonly kinds: OrderKinds;
  /** How long after its creation an order can be paid for, in milliseconds (old operation 9: 30 minutes). */
  readonly paymentTimeoutMs: number;
  /** How long the WMS has to say whether an order can be cancelled, in milliseconds. */
  readonly wmsAnswerMs: number;
  readonly now: () => Date;
}
