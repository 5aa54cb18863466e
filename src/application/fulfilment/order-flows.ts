import {
  describeFlowStatus,
  FLOW_STEPS,
  type FlowState,
  type FlowStatus,
  type FlowStep,
  flowStatus,
} from "../../domain/flow.ts";
import type { Operator } from "../../domain/operator.ts";
import { expires } from "../../domain/order-kinds.ts";
import { describeStatus, Status } from "../../domain/state-machine.ts";
import { redrive } from "../../store/ledger/redrive.ts";
import {
  type FlowRow,
  type FlowSearch,
  readChildren,
  readFlowRow,
  readFlowRows,
  readLastRunId,
} from "../../store/reads/flows.ts";
import type { Actor } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";
import { isVisible, type Scoped } from "../order-scope.ts";
import { invalidPageToken } from "../page-token.ts";

/** The forward flow's progress with an order. */
export interface OrderFlow extends FlowStatus {
  readonly orderId: bigint;
  /** Ascending. */
  readonly childOrderIds: readonly bigint[];
  /** What the order waits for, in one sentence. */
  readonly summary: string;
}

/** The forward flow's progress with an order. */
export async function getOrderFlow(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<OrderFlow> {
  const row = await readFlowRowOrThrow(deps, orderId, context);
  const children = await readChildren(deps.db, [orderId], context.orderScope);
  return toOrderFlow(deps, row, children.get(orderId) ?? []);
}

/** An operator retries a step that waits for its next attempt or has failed. */
export async function retryOrderFlow(
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: Actor & Scoped,
): Promise<{ readonly state: FlowState }> {
  const { caller, authenticatedOperator } = context;
  const row = await readFlowRowOrThrow(deps, orderId, context);
  const { step, state } = flowStatusOf(deps, row);
  if ((state === "RETRYING" || state === "FAILED") && step !== "" && step !== "payment") {
    await retryStep(deps, { orderId, step, caller, operator, authenticatedOperator });
  }
  const after = await readFlowRow(deps.db, orderId);
  return { state: flowStatusOf(deps, after ?? row).state };
}

/**
 * Makes the last run of a step due now; one that was parked or discarded gets a full new round of
 * attempts. A run in progress is left alone.
 */
export async function retryStep(
  { db, interventions }: Pick<OperationDeps, "db" | "interventions">,
  {
    orderId,
    step,
    caller,
    operator,
    authenticatedOperator,
  }: Operator & { readonly orderId: bigint; readonly step: FlowStep; readonly caller: string },
): Promise<void> {
  const runId = await readLastRunId(db, orderId, step);
  if (runId !== undefined) {
    await redrive(interventions, [runId], ["RETRYING", "PARKED", "DISCARDED"], {
      kind: "RETRY",
      action: step,
      selection: `order ${orderId}, by RetryOrderFlow`,
      reason: "",
      caller,
      operator,
      authenticatedOperator,
    });
  }
}

export interface ListOrderFlowsInput {
  /** Undefined for all. */
  readonly state: FlowState | undefined;
  /** "payment" or a step; "" for all. */
  readonly step: string;
  /** 0 for the default. */
  readonly pageSize: number;
  /** "" for the first page. */
  readonly pageToken: string;
}

export interface ListOrderFlowsResult {
  readonly flows: readonly OrderFlow[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;

/** Orders scanned for one page: a page with a token may be short or empty. */
const MAX_SCANNED = 5_000;
const ORDERS_PER_QUERY = 500;

/** The orders that the flow moves, newest id first. */
export async function listOrderFlows(deps: OperationDeps, input: ListOrderFlowsInput): Promise<ListOrderFlowsResult> {
  const { state, step } = input;
  const pageSize = input.pageSize === 0 ? DEFAULT_PAGE_SIZE : input.pageSize;
  const search = searchOf(input);
  const found: FlowRow[] = [];
  let below = readToken(input.pageToken);
  let more = true;
  for (let scanned = 0; more && found.length < pageSize && scanned < MAX_SCANNED; scanned += ORDERS_PER_QUERY) {
    const rows = await readFlowRows(deps.db, { ...search, below, limit: ORDERS_PER_QUERY });
    more = rows.length === ORDERS_PER_QUERY;
    for (const row of rows) {
      if (found.length === pageSize) {
        more = true;
        break;
      }
      below = row.orderId;
      const status = flowStatusOf(deps, row);
      if ((state ?? status.state) === status.state && (step === "" || step === status.step)) {
        found.push(row);
      }
    }
  }
  const children = await readChildren(
    deps.db,
    found.map(({ orderId }) => orderId),
    undefined,
  );
  return {
    flows: found.map((row) => toOrderFlow(deps, row, children.get(row.orderId) ?? [])),
    nextPageToken: more && below !== undefined ? String(below) : "",
  };
}

/** The part of the search that the database can do. */
function searchOf({ state, step }: ListOrderFlowsInput): Pick<FlowSearch, "statuses" | "paused"> {
  const paused = state === "PAUSED" ? { paused: true } : {};
  if (step === "payment" || state === "WAITING") {
    return { ...paused, statuses: [Status.CREATED] };
  }
  if (step !== "") {
    return { ...paused, statuses: [FLOW_STEPS[step as FlowStep].startsAt] };
  }
  return state === undefined || state === "DONE"
    ? paused
    : { ...paused, statuses: [...new Set(Object.values(FLOW_STEPS).map(({ startsAt }) => startsAt))] };
}

function readToken(token: string): bigint | undefined {
  if (token === "") {
    return undefined;
  }
  if (!/^[1-9]\d{0,18}$/.test(token)) {
    throw invalidPageToken(token);
  }
  return BigInt(token);
}

/** The forward flow's progress with an order that was submitted here. */
export function flowStatusOf({ kinds, paymentTimeoutMs }: OperationDeps, row: FlowRow): FlowStatus {
  const paymentDeadline = expires(kinds, row) ? new Date(row.createTime.getTime() + paymentTimeoutMs) : undefined;
  return flowStatus({ ...row, paymentDeadline });
}

function toOrderFlow(deps: OperationDeps, row: FlowRow, childOrderIds: readonly bigint[]): OrderFlow {
  const status = flowStatusOf(deps, row);
  const summary = `The order is ${describeStatus(row.status)} and ${describeFlowStatus(status)}.`;
  return { ...status, orderId: row.orderId, childOrderIds, summary };
}

async function readFlowRowOrThrow(deps: OperationDeps, orderId: bigint, context: Scoped): Promise<FlowRow> {
  const row = (await isVisible(deps, orderId, context)) ? await readFlowRow(deps.db, orderId) : undefined;
  if (row === undefined) {
    throw new OperationError(
      "not-found",
      `the forward flow does not move an order ${orderId}: it does not exist or was not created by SubmitOrder`,
    );
  }
  return row;
}
