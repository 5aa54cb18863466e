import type { Received } from "../../tools/devstack/stub-systems/received.ts";
import type { Notification } from "../workload/gateway.ts";
import type { OrderJournal } from "../workload/journal.ts";

/** A row of the status history. */
export interface HistoryRow {
  /** Ascending in commit order. */
  readonly id: number;
  readonly version: number;
  readonly fromStatus: number;
  readonly toStatus: number;
  readonly outcome: "APPLIED" | "STALE";
  readonly caller: string;
  readonly requestId: string;
}

/** The ledger entry of one Action and one event. */
export interface LedgerRow {
  readonly messageId: string;
  readonly action: string;
  readonly state: "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";
  readonly attempts: number;
  readonly lastError: string;
  /** Commit of the event and completion of the Action; milliseconds since the epoch. */
  readonly firstTime: number;
  readonly finishTime: number | undefined;
  /** Time until the next attempt, in milliseconds; undefined when there is none. */
  readonly dueInMs: number | undefined;
  /** An operator retried or replayed it. */
  readonly redriven: boolean;
}

/**
 * Everything known about one order after the drain: the workload's journal, and the state of all
 * systems.
 */
export interface OrderFacts {
  readonly journal: OrderJournal;
  /** Undefined when the order does not exist. */
  readonly row: { readonly status: number; readonly version: number; readonly paused: boolean } | undefined;
  /** Ordered by id. */
  readonly history: readonly HistoryRow[];
  /** Ordered by id, that is by event. */
  readonly ledger: readonly LedgerRow[];
  /** Settlement queue, in row order. */
  readonly settlements: readonly { readonly messageId: string; readonly status: number }[];
  /** Status of its gift records. */
  readonly gifts: readonly number[];
  /** Requests that the stub systems received. */
  readonly received: readonly Received[];
  /** Notifications that the marketplace gateway received, in order of arrival. */
  readonly notifications: readonly Notification[];
  readonly cancels: readonly { readonly cancelId: string; readonly state: string }[];
  readonly returns: readonly { readonly returnId: string; readonly pieces: number }[];
}

/** The status changes of an order, in commit order. */
export function appliedChanges({ history }: OrderFacts): readonly HistoryRow[] {
  return history.filter(({ outcome }) => outcome === "APPLIED");
}

export function orderIdOf({ journal }: OrderFacts): string {
  return String(journal.order.id);
}
