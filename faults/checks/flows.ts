import { FlowState, FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { isVirtual } from "../../tools/demo/orders.ts";
import { createRandom } from "../../tools/testkit/random.ts";
import type { CheckResult, Finding } from "../findings.ts";
import type { ServiceAddress } from "../types.ts";
import { type Calls, createCalls } from "../workload/calls.ts";
import { type OrderFacts, orderIdOf } from "./facts.ts";

/** States in which the forward flow has more steps to do. */
const IN_FLOW: readonly number[] = [1010, 1020, 2010];

/** An order whose forward flow has not ended. */
export interface UnfinishedFlow {
  readonly orderId: bigint;
  readonly status: number;
  readonly paused: boolean;
  /** The workload paused the order or requested its cancellation. */
  readonly heldByWorkload: boolean;
}

export function unfinishedFlow(facts: OrderFacts): UnfinishedFlow | undefined {
  const { journal, row } = facts;
  const hasFlow = journal.origin !== "inserted" && !isVirtual(journal.order);
  if (!hasFlow || row === undefined || !IN_FLOW.includes(row.status)) {
    return undefined;
  }
  const heldByWorkload =
    journal.calls.some(({ rpc, requested }) => rpc === "RequestCancel" || requested.paused === true) ||
    facts.cancels.length > 0;
  return { orderId: BigInt(orderIdOf(facts)), status: row.status, paused: row.paused, heldByWorkload };
}

/** The service's own report about a flow. */
export interface FlowReport {
  readonly state: FlowState;
  readonly summary: string;
}

/** Every flow has ended, or is reported as paused after the workload paused it. */
export async function checkFlows(
  flows: number,
  unfinished: readonly UnfinishedFlow[],
  getFlow: (orderId: bigint) => Promise<FlowReport | undefined>,
): Promise<CheckResult> {
  const findings: Finding[] = [];
  for (const { orderId, paused, heldByWorkload } of unfinished) {
    const flow = await getFlow(orderId);
    if (!(paused && heldByWorkload && flow?.state === FlowState.PAUSED)) {
      const summary = flow?.summary ?? "no answer";
      findings.push({ kind: "other", text: `order ${orderId}: its flow is stalled; GetOrderFlow: ${summary}` });
    }
  }
  return { name: "flows ended or explained", checked: flows, findings };
}

/** Reads flows by GetOrderFlow. */
export function openFlowReader(services: readonly ServiceAddress[]): {
  getFlow: (orderId: bigint) => Promise<FlowReport | undefined>;
  close(): void;
} {
  const calls: Calls = createCalls({ services, perSecond: 200, onUnclaimed: () => {}, onCall: () => {} });
  const random = createRandom(0);
  const { getOrderFlow } = FulfilmentService.method;
  return {
    async getFlow(orderId) {
      const reply = await calls.send(random, getOrderFlow, { orderId }, "faults", { sent: 0, indeterminate: 0 });
      return reply.kind === "answered" ? reply.message : undefined;
    },
    close: () => calls.close(),
  };
}
