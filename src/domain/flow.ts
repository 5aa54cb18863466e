import { Status } from "./state-machine.ts";

/**
 * The forward flow's steps, in order. Each starts in a state and ends by reporting the next one.
 */
export const FLOW_STEPS = {
  approve: { startsAt: Status.PAID, endsAt: Status.APPROVED },
  /** Only for goods in several warehouses; the child orders continue with `allocate`. */
  split: { startsAt: Status.APPROVED, endsAt: Status.SPLIT },
  allocate: { startsAt: Status.APPROVED, endsAt: Status.ERP_ALLOCATED },
  dispatch: { startsAt: Status.ERP_ALLOCATED, endsAt: Status.WMS_DISPATCHED },
} as const;

export type FlowStep = keyof typeof FLOW_STEPS;

/** The flows' other Actions, by their names in the ledger. */
export const PAYMENT_TIMEOUT = "payment-timeout";
export const RELEASE_STOCK = "release-stock";
export const ASK_WMS = "cancel-ask-wms";
export const WMS_ANSWER_CONFLICT = "wms-answer-conflict";
export const WMS_TIME_LIMIT = "cancel-time-limit";

/** The timers: no open work before they are due. */
export const TIMERS: readonly string[] = [PAYMENT_TIMEOUT, WMS_TIME_LIMIT];

/** The order's current step; undefined where the flow has nothing to do now. */
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

/** See FlowState in the contract. */
export type FlowState = "WAITING" | "RUNNING" | "PAUSED" | "RETRYING" | "FAILED" | "DONE";

/** The last run of an order's step, from the ledger. */
export interface StepRun {
  readonly state: "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";
  /** Attempts started so far. */
  readonly attempts: number;
  /** "" where no attempt failed. */
  readonly lastError: string;
  /** When the next attempt is due; null for none. */
  readonly nextTime: Date | null;
}

/** The flow's progress with an order. */
export interface FlowStatus {
  /** "payment", a step, or "" where the flow is done. */
  readonly step: "payment" | FlowStep | "";
  readonly state: FlowState;
  readonly attempts: number;
  readonly lastError: string;
  /** When the step is retried, or when an unpaid order is cancelled. */
  readonly nextRunTime: Date | undefined;
}

/** What the status of a flow is derived from. */
export interface FlowFacts {
  readonly status: number;
  readonly paused: boolean;
  readonly warehouseCount: number;
  /** When an unpaid order is cancelled; undefined for never. */
  readonly paymentDeadline: Date | undefined;
  /** The last run of the current step. */
  readonly run: StepRun | undefined;
}

/** The flow's progress, derived: the flow has no state but the order's own and the ledger's. */
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
      // The last run is done, or none has started: the step is paused, or its event is in transit.
      return paused ? { step, state: "PAUSED", ...none } : { step, state: "RUNNING", ...none };
  }
}

/** What an order waits for, as the second part of a sentence: "The order is PAID (1010) and …". */
export function describeFlowStatus({ step, state, attempts, lastError, nextRunTime }: FlowStatus): string {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const because = lastError === "" ? "" : `: ${lastError}`;
  switch (state) {
    case "WAITING":
      return nextRunTime === undefined
        ? "waits for its payment"
        : `waits for its payment until ${nextRunTime.toISOString()}, and is cancelled then`;
    case "RUNNING":
      return `waits for the forward flow's step ${step}, which is in progress`;
    case "PAUSED":
      return `is paused, and must be resumed before the forward flow's step ${step}`;
    case "RETRYING":
      return `waits for the forward flow's step ${step}, which is retried at ${nextRunTime?.toISOString() ?? "once"} after ${tries}${because}`;
    case "FAILED":
      return `waits for an operator to retry the forward flow's step ${step}, which failed after ${tries}${because}`;
    case "DONE":
      return "needs nothing more from the forward flow";
  }
}
