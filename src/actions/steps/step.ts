import { type CallContext, causeOf } from "../../application/context.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { OperationError } from "../../application/errors.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import type { OrderEvent } from "../../domain/events.ts";
import { FLOW_STEPS, type FlowStep } from "../../domain/flow.ts";
import { statesIn } from "../../domain/passed-states.ts";
import { Status } from "../../domain/state-machine.ts";
import type { StatusReport } from "../../domain/status-report.ts";
import type { SystemClients } from "../../integrations/clients.ts";
import { type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";

/** What the handlers of steps and timers work with. */
export interface FlowDeps {
  readonly operations: OperationDeps;
  readonly systems: SystemClients;
}

/** The callers that the flows are in history and events. */
export const FORWARD_FLOW = "forward-flow";
export const REVERSAL_FLOW = "reversal-flow";

/**
 * The context in which a step calls an operation; its trace is that of the event that triggered the
 * step.
 */
export function callContext(caller: string, event: OrderEvent, { messageId, signal }: Attempt): CallContext {
  return {
    callId: messageId,
    caller,
    requestNamespace: "",
    authenticatedOperator: "",
    reportableStatuses: undefined,
    orderScope: undefined,
    traceparent: event.traceparent,
    deadline: undefined,
    signal,
  };
}

type FlowOrder = NonNullable<Awaited<ReturnType<OperationDeps["readFlowOrder"]>>>;

/** What a step has to do: carry the order out, undo what it may have done, or nothing. */
type Task =
  | { readonly kind: "run"; readonly order: FlowOrder }
  | { readonly kind: "undo" }
  | { readonly kind: "skip"; readonly result: ActionResult };

/**
 * Reads the order before a step that calls an external system. On a paused order, a step that has
 * not started is skipped, and the resume starts it; one that may have had side effects is carried
 * to its end.
 */
export async function findTask(
  { operations }: Pick<FlowDeps, "operations">,
  step: FlowStep,
  { orderId }: OrderEvent,
  { mayHaveSideEffects }: Attempt,
): Promise<Task> {
  const order = await operations.readFlowOrder(orderId);
  if (order === undefined) {
    return { kind: "skip", result: { kind: "reject", reason: `order ${orderId} not found` } };
  }
  if (order.status === FLOW_STEPS[step].startsAt && (!order.paused || mayHaveSideEffects)) {
    return { kind: "run", order };
  }
  return isUndone(order, step) && mayHaveSideEffects ? { kind: "undo" } : { kind: "skip", result: DONE };
}

/**
 * Whether the order was cancelled before the step was reported. One that was reported is undone by
 * what follows the cancellation.
 */
function isUndone({ status, passed }: FlowOrder, step: FlowStep): boolean {
  return status === Status.CANCELLED && !statesIn(passed).includes(FLOW_STEPS[step].endsAt);
}

/**
 * The answer to a step's report: "cancelled" where the order was cancelled meanwhile, "not-now"
 * where it is paused or went another way.
 */
export type StepReport = "accepted" | "cancelled" | "not-now";

/**
 * Reports the state that a step leads to.
 *
 * @param done whether an external system has done its part: a pause does not delay the report then
 */
export async function reportStepDone(
  { operations }: Pick<FlowDeps, "operations">,
  step: FlowStep,
  event: OrderEvent,
  attempt: Attempt,
  done: boolean,
): Promise<StepReport> {
  const context = callContext(FORWARD_FLOW, event, attempt);
  const report: StatusReport = {
    kind: "report",
    orderId: event.orderId,
    status: FLOW_STEPS[step].endsAt,
    by: done ? "step" : "report",
    requestId: "",
    remark: "",
    validateOnly: false,
    cause: causeOf(context, step),
  };
  try {
    await updateOrderStatus(operations, report, context);
    return "accepted";
  } catch (error) {
    if (!(error instanceof OperationError) || !REFUSALS.includes(error.kind)) {
      throw error;
    }
    const order = await operations.readFlowOrder(event.orderId);
    return order !== undefined && isUndone(order, step) ? "cancelled" : "not-now";
  }
}

const REFUSALS: readonly string[] = ["illegal-transition", "order-paused"];
