import type { CancelProgressed, OrderEvent } from "../domain/events.ts";
import { currentStep, FLOW_STEPS, type FlowStep } from "../domain/flow.ts";
import type { Status } from "../domain/state-machine.ts";

/** The subjects and the condition of an Action. */
interface Trigger {
  readonly subjects: readonly string[];
  readonly matches: (event: OrderEvent) => boolean;
}

export const ANY_STATUS = "oms.v1.order.status.*";

export function statusSubject(status: Status): string {
  return `oms.v1.order.status.${status}`;
}

/** An order reaches one of these states. */
export function reaches(...statuses: readonly Status[]): Trigger {
  const codes: ReadonlySet<number> = new Set(statuses);
  return {
    subjects: statuses.map(statusSubject),
    matches: (event) => event.type === "status-changed" && codes.has(event.toStatus),
  };
}

/**
 * An order reaches the state in which a step of the forward flow starts, or is resumed there. Both
 * events carry the number of warehouses, so that the order need not be read.
 */
export function startsStep(step: FlowStep): Trigger {
  return {
    subjects: [statusSubject(FLOW_STEPS[step].startsAt), "oms.v1.order.pause.cleared"],
    matches(event) {
      switch (event.type) {
        case "status-changed":
          return currentStep({ status: event.toStatus, warehouseCount: event.warehouseCount }) === step;
        case "pause-changed":
          return !event.paused && currentStep(event) === step;
        default:
          return false;
      }
    },
  };
}

/** A cancel request that the WMS has to decide. */
export function isWmsCancelRequest(event: OrderEvent): event is CancelProgressed & { readonly answerUntil: Date } {
  return event.type === "cancel-progressed" && event.step === "requested" && event.answerUntil !== undefined;
}
