import type { Received } from "../../tools/devstack/stub-systems/received.ts";
import type { Notification } from "../workload/gateway.ts";
import type { OrderJournal } from "../workload/journal.ts";

/** A line of the history. */
export interface HistoryRow {
  /** Grows with the order of commits. */
  readonly id: number;
  readonly version: number;
  readonly fromStatus: number;
  readonly toStatus: number;
  readonly outcome: "APPLIED" | "STALE";
  readonly caller: string;
  readonly requestId: string;
}

/** What the ledger says of one Action and one event. */
export interface LedgerRow {
  readonly messageId: string;
  readonly action: string;
  readonly state: "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";
  readonly attempts: number;
  readonly lastError: string;
  /** When the event was committed, and the Action done with it; milliseconds. */
  readonly firstTime: number;
  readonly finishTime: number | undefined;
  /** Milliseconds from now on; undefined where nothing is due. */
  readonly dueInMs: number | undefined;
  /** A person had it tried again, or had it begun anew. */
  readonly redriven: boolean;
}

/** Everything that is known of one order once all is quiet: what the workload told, and what is found at the places where others see it. */
export interface OrderFacts {
  readonly journal: OrderJournal;
  /** Undefined: there is no such order. */
  readonly row: { readonly status: number; readonly version: number; readonly paused: boolean } | undefined;
  /** By id. */
  readonly history: readonly HistoryRow[];
  /** By id, which has the order of the events. */
  readonly ledger: readonly LedgerRow[];
  /** The settlement queue, in the order of its rows. */
  readonly settlements: readonly { readonly messageId: string; readonly status: number }[];
  /** The marks of its gift records. */
  readonly gifts: readonly number[];
  /** At the neighbours, by key. */
  readonly received: readonly Received[];
  /** At the marketplaces' gateway, in the order of coming. */
  readonly notifications: readonly Notification[];
  readonly cancels: readonly { readonly cancelId: string; readonly state: string }[];
  readonly returns: readonly { readonly returnId: string; readonly pieces: number }[];
}

/** The changes of an order, by version as far as the rows have that order. */
export function appliedChanges({ history }: OrderFacts): readonly HistoryRow[] {
  return history.filter(({ outcome }) => outcome === "APPLIED");
}

export function orderIdOf({ journal }: OrderFacts): string {
  return String(journal.order.id);
}
