import {
  type AllowedState,
  describeWait,
  nextStates,
  type PendingWmsAnswer,
  type RefusedState,
} from "../../domain/explain.ts";
import { type FlowStatus, TIMERS } from "../../domain/flow.ts";
import { isTakeBack } from "../../domain/reversal.ts";
import { stateOf } from "../../domain/state-machine.ts";
import { readActionPauses } from "../../store/ledger/pauses.ts";
import { type OpenAction, readOpenActions } from "../../store/reads/action-entries.ts";
import { readFlowRow } from "../../store/reads/flows.ts";
import { readOrderFacts } from "../../store/reads/orders.ts";
import { type Cancel, readCancel } from "../../store/reads/reversal.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { flowStatusOf } from "../fulfilment/order-flows.ts";
import { assertVisible, type Scoped } from "../order-scope.ts";

export interface ExplainOrderResult {
  readonly status: number;
  readonly paused: boolean;
  readonly finished: boolean;
  readonly version: number;
  readonly allowed: readonly AllowedState[];
  readonly refused: readonly RefusedState[];
  readonly openActions: readonly OpenAction[];
  /** Undefined for an order that the forward flow does not move. */
  readonly flow: FlowStatus | undefined;
  /** What the order waits for, in one sentence. */
  readonly summary: string;
}

/** The states an order can take next, those it cannot and why, and what it waits for. */
export async function explainOrder(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<ExplainOrderResult> {
  const { db, kinds, now } = deps;
  await assertVisible(deps, orderId, context);
  const order = await readOrderFacts(db, orderId, kinds);
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  const row = await readFlowRow(db, orderId);
  const flow = row && flowStatusOf(deps, row);
  const openActions = (await readOpenActions(db, orderId)).filter(
    (open) => open.action !== flow?.step && !isFutureTimer(open, now()),
  );
  const cancel = await readCancel(db, orderId);
  const wmsAnswer = cancel && pendingWmsAnswer(cancel, now());
  const pauses = await readActionPauses(db);
  const waiting = [
    flow?.step ?? "",
    ...openActions.filter(({ state }) => state !== "PARKED").map(({ action }) => action),
  ];
  const pausedWork = [...new Set(waiting)].flatMap((name) => {
    const pause = pauses.get(name);
    return pause === undefined ? [] : [{ name, pausedBy: pause, reason: pause.reason }];
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
    summary: describeWait(order, open, { flow, wmsAnswer, pausedWork }),
  };
}

function pendingWmsAnswer({ state, verdict, answerUntil }: Cancel, now: Date): PendingWmsAnswer | undefined {
  if (state !== "WAITING_FOR_WMS" || verdict === undefined || answerUntil === undefined) {
    return undefined;
  }
  return { deadline: answerUntil, isOverdue: answerUntil <= now, isTakeBack: isTakeBack({ verdict }) };
}

/** A timer that is not due yet, which is no open work. */
function isFutureTimer({ action, state, nextAttemptTime }: OpenAction, now: Date): boolean {
  return TIMERS.includes(action) && state === "PENDING" && nextAttemptTime !== undefined && nextAttemptTime > now;
}
