import type { CallContext } from "../../application/context.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { OperationError } from "../../application/errors.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import type { OrderEvent } from "../../domain/events.ts";
import { currentStep, FLOW_STEPS, type FlowStep } from "../../domain/flow.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Erp } from "../../integrations/erp.ts";
import type { Wms } from "../../integrations/wms.ts";
import { type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";

/** What the steps of the flows need. */
export interface FlowDeps {
  readonly operations: OperationDeps;
  readonly kinds: OrderKinds;
  readonly erp: Erp;
  readonly wms: Wms;
}

/** Who the flows are, for history and events. */
export const FORWARD_FLOW = "forward-flow";
export const REVERSAL_FLOW = "reversal-flow";

/** A step calls an operation as anybody does; its trace is that of the event that set it off. */
export function contextOf(caller: string, event: OrderEvent, { messageId, signal }: Attempt): CallContext {
  return {
    callId: messageId,
    caller,
    reportableStatuses: undefined,
    traceparent: event.traceparent,
    deadline: undefined,
    signal,
  };
}

/**
 * Whether an event begins a step: the order came to the step's start, or was resumed there. Both say in how many warehouses the goods are, so
 * that this needs no look at the order.
 */
export function startsStep(step: FlowStep, event: OrderEvent): boolean {
  switch (event.type) {
    case "status-changed":
      return currentStep({ status: event.toStatus, warehouseCount: event.warehouseCount }) === step;
    case "pause-changed":
      return !event.paused && currentStep(event) === step;
    default:
      return false;
  }
}

/** The subjects of the events that may begin a step. */
export function subjectsOf(step: FlowStep): readonly string[] {
  return [`oms.v1.order.status.${FLOW_STEPS[step].startsAt}`, "oms.v1.order.pause.cleared"];
}

type FlowOrder = NonNullable<Awaited<ReturnType<OperationDeps["readFlowOrder"]>>>;

/** What a step that needs a neighbour finds: an order to work on, work to undo, or nothing to do. */
type Found =
  | { readonly kind: "go"; readonly order: FlowOrder }
  | { readonly kind: "undo" }
  | { readonly kind: "end"; readonly result: ActionResult };

/**
 * Looks at the order before a step that needs a neighbour. On a paused order what has not begun ends here, and is begun by the resume; what
 * may have begun goes on to its end.
 */
export async function findWork(
  { operations }: FlowDeps,
  step: FlowStep,
  { orderId }: OrderEvent,
  { mayHaveSideEffects }: Attempt,
): Promise<Found> {
  const order = await operations.readFlowOrder(orderId);
  if (order === undefined) {
    return { kind: "end", result: { kind: "reject", reason: `there is no order ${orderId}` } };
  }
  if (order.status === FLOW_STEPS[step].startsAt && (!order.paused || mayHaveSideEffects)) {
    return { kind: "go", order };
  }
  return order.status === Status.CANCELLED && mayHaveSideEffects ? { kind: "undo" } : { kind: "end", result: DONE };
}

/** What a step's report of its end came to. */
export type Reported = "taken" | "cancelled" | "not-now";

/**
 * Asks for the state that a step leads to.
 *
 * @param done whether a neighbour has done its part: no pause holds that back any more
 * @returns "cancelled" when the order was cancelled meanwhile; "not-now" when it is paused, or went another way
 */
export async function reportStepDone(
  { operations }: FlowDeps,
  step: FlowStep,
  event: OrderEvent,
  attempt: Attempt,
  done: boolean,
): Promise<Reported> {
  const input = {
    orderId: event.orderId,
    status: FLOW_STEPS[step].endsAt,
    requestId: "",
    operator: step,
    occurTime: undefined,
    remark: "",
    expectedVersion: undefined,
    validateOnly: false,
    stepDone: done,
  };
  try {
    await updateOrderStatus(operations, input, contextOf(FORWARD_FLOW, event, attempt));
    return "taken";
  } catch (error) {
    if (!(error instanceof OperationError) || !REFUSALS.includes(error.kind)) {
      throw error;
    }
    const order = await operations.readFlowOrder(event.orderId);
    return order?.status === Status.CANCELLED ? "cancelled" : "not-now";
  }
}

const REFUSALS: readonly string[] = ["illegal-transition", "order-paused"];
