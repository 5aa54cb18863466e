import { Status } from "./state-machine.ts";

/** The forward flow's steps, in order. Each begins in a state, and asks for the next one at its end. */
export const FLOW_STEPS = {
  approve: { startsAt: Status.PAID, endsAt: Status.APPROVED },
  /** Only where the goods are in several warehouses; what they are split into goes on with `allocate`. */
  split: { startsAt: Status.APPROVED, endsAt: Status.SPLIT },
  allocate: { startsAt: Status.APPROVED, endsAt: Status.ERP_ALLOCATED },
  dispatch: { startsAt: Status.ERP_ALLOCATED, endsAt: Status.WMS_DISPATCHED },
} as const;

export type FlowStep = keyof typeof FLOW_STEPS;

/** The other subscribers of the flows, by their names in the ledger. */
export const PAYMENT_TIMEOUT = "payment-timeout";
export const RELEASE_STOCK = "release-stock";
export const ASK_WMS = "cancel-ask-wms";
export const WMS_TIME_LIMIT = "cancel-time-limit";

/** Those that begin at a time, and are no open work before. */
export const TIMERS: readonly string[] = [PAYMENT_TIMEOUT, WMS_TIME_LIMIT];

/** The step that an order is at; undefined where the flow has nothing to do with it now. */
export function currentStep(order: { readonly status: number; readonly warehouseCount: number }): FlowStep | undefined {
  if (order.warehouseCount === 0) {
    return undefined;
  }
  switch (order.status) {
    case Status.PAID:
      return "approve";
    case Status.APPROVED:
      return order.warehouseCount > 1 ? "split" : "allocate";
    case Status.ERP_ALLOCATED:
      return "dispatch";
    default:
      return undefined;
  }
}

/** What the flow does with an order now, see FlowState in the contract. */
export type FlowState = "WAITING" | "RUNNING" | "PAUSED" | "RETRYING" | "FAILED" | "DONE";

/** The last run of an order's step, as the ledger has it. */
export interface StepRun {
  readonly state: "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";
  /** Started so far. */
  readonly attempts: number;
  /** "" where none failed. */
  readonly lastError: string;
  /** When it is due; null when nothing is. */
  readonly nextTime: Date | null;
}

/** Where the flow stands with an order. */
export interface FlowStatus {
  /** "payment", a step, or "" where the flow has nothing more to do. */
  readonly step: "payment" | FlowStep | "";
  readonly state: FlowState;
  readonly attempts: number;
  readonly lastError: string;
  /** When the step is tried again, or when an unpaid order is cancelled. */
  readonly nextRunTime: Date | undefined;
}

/** What a position is derived from. */
export interface FlowFacts {
  readonly status: number;
  readonly paused: boolean;
  readonly warehouseCount: number;
  /** When it is cancelled unless it is paid; undefined where it never is. */
  readonly paymentDeadline: Date | undefined;
  /** The last run of the step that the order is at. */
  readonly run: StepRun | undefined;
}

/** Where the flow stands with an order: there is no state but the order's own and the ledger's. */
export function flowStatus({ status, paused, warehouseCount, paymentDeadline, run }: FlowFacts): FlowStatus {
  const none = { attempts: 0, lastError: "", nextRunTime: undefined };
  if (status === Status.CREATED) {
    return { step: "payment", state: "WAITING", ...none, nextRunTime: paymentDeadline };
  }
  const step = currentStep({ status, warehouseCount });
  if (step === undefined) {
    return { step: "", state: "DONE", ...none };
  }
  const known = { step, attempts: run?.attempts ?? 0, lastError: run?.lastError ?? "", nextRunTime: undefined };
  switch (run?.state) {
    case "PARKED":
    case "DISCARDED":
      return { ...known, state: "FAILED" };
    case "RETRYING":
      return { ...known, state: "RETRYING", nextRunTime: run.nextTime ?? undefined };
    case "PENDING":
      return paused && run.attempts === 0 ? { ...known, state: "PAUSED" } : { ...known, state: "RUNNING" };
    default:
      // The last run ended, or none began: a pause holds the step back, or its event is on its way.
      return paused ? { step, state: "PAUSED", ...none } : { step, state: "RUNNING", ...none };
  }
}

/** What an order waits for, as part of a sentence that begins with where it stands. */
export function describeFlowStatus({ step, state, attempts, lastError, nextRunTime }: FlowStatus): string {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const because = lastError === "" ? "" : `: ${lastError}`;
  switch (state) {
    case "WAITING":
      return nextRunTime === undefined
        ? "waits for its payment"
        : `waits for its payment until ${nextRunTime.toISOString()}, and is cancelled then`;
    case "RUNNING":
      return `waits for the forward flow's step ${step}, which is under way`;
    case "PAUSED":
      return `is paused, and waits for somebody to resume it before the forward flow's step ${step}`;
    case "RETRYING":
      return `waits for the forward flow's step ${step}, which is tried again at ${nextRunTime?.toISOString() ?? "once"} after ${tries}${because}`;
    case "FAILED":
      return `waits for somebody to retry the forward flow's step ${step}, which was given up after ${tries}${because}`;
    case "DONE":
      return "needs nothing more of the forward flow";
  }
}
