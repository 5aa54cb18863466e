import { type AllowedState, describeWait, nextStates, type RefusedState } from "../../domain/explain.ts";
import { type FlowStatus, TIMERS } from "../../domain/flow.ts";
import { stateOf } from "../../domain/state-machine.ts";
import { readActionPauses } from "../../store/ledger/pauses.ts";
import { type OpenAction, readOpenActions } from "../../store/reads/action-entries.ts";
import { readFlowRow } from "../../store/reads/flows.ts";
import { readOrderFacts } from "../../store/reads/orders.ts";
import { readCancel } from "../../store/reads/reversal.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { flowStatusOf } from "../fulfilment/order-flows.ts";

export interface ExplainOrderResult {
  readonly status: number;
  readonly paused: boolean;
  readonly finished: boolean;
  readonly version: number;
  readonly allowed: readonly AllowedState[];
  readonly refused: readonly RefusedState[];
  readonly openActions: readonly OpenAction[];
  /** Where the forward flow stands with it; undefined where it does not move it. */
  readonly flow: FlowStatus | undefined;
  /** What the order waits for, in one sentence. */
  readonly summary: string;
}

/** What may happen to an order next, what may not and why, and what it waits for. */
export async function explainOrder(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<ExplainOrderResult> {
  const { db, kinds, now } = deps;
  const order = await readOrderFacts(db, orderId, kinds);
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  const row = await readFlowRow(db, orderId);
  const flow = row && flowStatusOf(deps, row);
  const openActions = (await readOpenActions(db, orderId)).filter(
    (open) => open.action !== flow?.step && !isAhead(open, now()),
  );
  const cancel = await readCancel(db, orderId);
  const wmsAnswerUntil = cancel?.state === "WAITING_FOR_WMS" ? cancel.answerUntil : undefined;
  const holds = await readActionPauses(db);
  const waiting = [
    flow?.step ?? "",
    ...openActions.filter(({ state }) => state !== "PARKED").map(({ action }) => action),
  ];
  const heldWork = [...new Set(waiting)].flatMap((name) => {
    const hold = holds.get(name);
    return hold === undefined ? [] : [{ name, operator: hold.operator, reason: hold.reason }];
  });
  const open = openActions.map(({ action, ...rest }) => ({ name: action, ...rest }));
  return {
    status: order.status,
    paused: order.paused,
    finished: stateOf(order.status)?.final ?? false,
    version: order.version,
    ...nextStates(order, now()),
    openActions,
    flow,
    summary: describeWait(order, open, { flow, wmsAnswerDeadline: wmsAnswerUntil, pausedWork: heldWork }),
  };
}

/** A timer that is not due: nothing is open before. */
function isAhead({ action, state, nextAttemptTime }: OpenAction, now: Date): boolean {
  return TIMERS.includes(action) && state === "PENDING" && nextAttemptTime !== null && nextAttemptTime > now;
}
