import { FlowState, FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { isVirtual } from "../../tools/demo/orders.ts";
import { createRandom } from "../../tools/testkit/random.ts";
import type { CheckResult, Finding, ServiceAddress } from "../types.ts";
import { type Calls, createCalls } from "../workload/calls.ts";
import { type OrderFacts, orderIdOf } from "./facts.ts";

/** The states from which the forward flow takes an order on. */
const ON_ITS_WAY: readonly number[] = [1010, 1020, 2010];

/** An order that the flow has not brought to its end, with what the workload did to it. */
export interface Unfinished {
  readonly orderId: bigint;
  readonly status: number;
  readonly paused: boolean;
  /** The workload paused it, or wanted it cancelled. */
  readonly heldBack: boolean;
}

export function unfinishedFlow(facts: OrderFacts): Unfinished | undefined {
  const { journal, row } = facts;
  const isMoved = journal.origin !== "inserted" && !isVirtual(journal.order);
  if (!isMoved || row === undefined || !ON_ITS_WAY.includes(row.status)) {
    return undefined;
  }
  const heldBack =
    journal.calls.some(({ rpc, requested }) => rpc === "RequestCancel" || requested.paused === true) ||
    facts.cancels.length > 0;
  return { orderId: BigInt(orderIdOf(facts)), status: row.status, paused: row.paused, heldBack };
}

/** What the service itself says of a flow. */
export interface FlowAnswer {
  readonly state: FlowState;
  readonly summary: string;
}

/** Every flow has ended, or the service says that it is paused, and it was the workload that paused it. */
export async function checkFlows(
  flows: number,
  unfinished: readonly Unfinished[],
  ask: (orderId: bigint) => Promise<FlowAnswer | undefined>,
): Promise<CheckResult> {
  const findings: Finding[] = [];
  for (const { orderId, paused, heldBack } of unfinished) {
    const flow = await ask(orderId);
    if (!(paused && heldBack && flow?.state === FlowState.PAUSED)) {
      const says = flow?.summary ?? "nothing";
      findings.push({ kind: "other", text: `order ${orderId}: its flow stands still, and GetOrderFlow says: ${says}` });
    }
  }
  return { name: "flows ended or explained", checked: flows, findings };
}

/** Asks the service, as any caller would. */
export function openFlowReader(services: readonly ServiceAddress[]): {
  ask: (orderId: bigint) => Promise<FlowAnswer | undefined>;
  close(): void;
} {
  const calls: Calls = createCalls({ services, perSecond: 200, onSpare: () => {}, onCall: () => {} });
  const random = createRandom(0);
  const { getOrderFlow } = FulfilmentService.method;
  return {
    async ask(orderId) {
      const reply = await calls.send(random, getOrderFlow, { orderId }, "faults", { sent: 0, indeterminate: 0 });
      return reply.kind === "answered" ? reply.message : undefined;
    },
    close: () => calls.close(),
  };
}
