import type { OrderKinds } from "../domain/order-kinds.ts";
import type { ChangeDeps } from "../store/changes/types.ts";
import type { Committer } from "../store/committer/types.ts";
import type { OrderDatabase } from "../store/database.ts";
import type { FlowOrder } from "../store/reads/flows.ts";
import type { Snapshot } from "../store/reads/snapshots.ts";
import type { ChangeFeed } from "./change-feed.ts";

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
  readonly feed: ChangeFeed;
  readonly kinds: OrderKinds;
  /** How long after its creation an order can be paid for, in milliseconds (old operation 9: 30 minutes). */
  readonly paymentTimeoutMs: number;
  /** How long the WMS has to say whether an order can be cancelled, in milliseconds. */
  readonly wmsAnswerMs: number;
  readonly now: () => Date;
}
