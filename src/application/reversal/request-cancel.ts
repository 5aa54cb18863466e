import type { CancelState } from "../../domain/reversal.ts";
import { digest } from "../../store/mysql/digest.ts";
import { requestCancel as request } from "../../store/orders/request-cancel.ts";
import { readChildren } from "../../store/reads/flows.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { requestIdReused } from "../orders/report-result.ts";

export interface RequestCancelInput {
  readonly orderId: bigint;
  readonly reason: string;
  readonly operator: string;
  readonly requestId: string;
}

/** What became of a cancel request so far. */
export interface RequestedCancel {
  readonly cancelId: bigint;
  readonly state: CancelState;
  /** "" where it was not refused. */
  readonly refusalReason: string;
}

export interface RequestCancelResult extends RequestedCancel {
  /** Of a split parent: each child's own request, by id. */
  readonly children: readonly (RequestedCancel & { readonly orderId: bigint })[];
}

/** Old nodes up to 20: pauses and judges; a split parent's child orders are asked one by one. */
export async function requestCancel(
  deps: OperationDeps,
  input: RequestCancelInput,
  context: CallContext,
): Promise<RequestCancelResult> {
  const { orderId, reason, operator, requestId } = input;
  const { changes, kinds, wmsAnswerMs } = deps;
  const cause = causeOf(context, operator);
  const standing = await request(changes, kinds, { orderId, reason, requestId, cause, wmsAnswerMs });
  if (standing === undefined) {
    throw orderNotFound(orderId);
  }
  if (standing === "request-id-reused") {
    throw requestIdReused(requestId);
  }
  const { splitParent, ...requested } = standing;
  return { ...requested, children: splitParent ? await requestChildren(deps, input, context) : [] };
}

/** One by one. Each has a request id made of its parent's, so that a repeat gets the first answers. */
async function requestChildren(
  deps: OperationDeps,
  input: RequestCancelInput,
  context: CallContext,
): Promise<RequestCancelResult["children"]> {
  const childIds = (await readChildren(deps.db, [input.orderId])).get(input.orderId) ?? [];
  const answers: RequestCancelResult["children"][number][] = [];
  for (const orderId of childIds) {
    const requestId = input.requestId === "" ? "" : digest([input.requestId, String(orderId)]).toString("hex");
    const { children: _, ...requested } = await requestCancel(deps, { ...input, orderId, requestId }, context);
    answers.push({ orderId, ...requested });
  }
  return answers;
}
