import type { Checker } from "../../../../faults/checks/checker.ts";
import type { HistoryRow, LedgerRow, OrderFacts } from "../../../../faults/checks/facts.ts";
import type { Finding } from "../../../../faults/findings.ts";
import { type Call, createOrderJournal, type Origin } from "../../../../faults/workload/journal.ts";
import type { Kind, Order } from "../../../../tools/demo/orders.ts";
import type { Received } from "../../../../tools/devstack/stub-systems/received.ts";

export const ID = "100";

const SOURCES: Partial<Record<Kind, number>> = { marketplace: 2001 };

export function order(kind: Kind): Order {
  const lines = [{ skuId: 7n, quantity: 3, warehouseId: 11n }];
  return { id: BigInt(ID), kind, source: SOURCES[kind] ?? 1000, type: 1, isParent: false, lines };
}

/** A call, answered at its first attempt by default. */
export function call(rpc: string, overrides: Partial<Call> = {}): Call {
  return {
    rpc,
    requestId: "",
    requested: {},
    expected: undefined,
    sent: 1,
    indeterminate: 0,
    answer: "OK",
    answerFields: undefined,
    firstAnswer: "{}",
    equalAnswers: 0,
    differingAnswers: undefined,
    ...overrides,
  };
}

/** An applied report. */
export function reported(status: number, version: number): Call {
  return call("UpdateOrderStatus", {
    requestId: `r${version}`,
    requested: { status },
    answer: `APPLIED ${status} v${version}`,
    answerFields: { version, messageId: `${ID}-${version}` },
  });
}

/** The history of these status changes, starting at CREATED. */
export function history(...statuses: readonly number[]): HistoryRow[] {
  return statuses.map((toStatus, index) => ({
    id: 10 + index,
    version: index + 1,
    fromStatus: statuses[index - 1] ?? 1000,
    toStatus,
    outcome: "APPLIED",
    caller: "wms",
    requestId: `r${index + 1}`,
  }));
}

export function ledgerRow(overrides: Partial<LedgerRow>): LedgerRow {
  return {
    messageId: `${ID}-1`,
    action: "settlement-push",
    state: "DONE",
    attempts: 1,
    lastError: "",
    firstTime: 1_000,
    finishTime: 1_100,
    dueInMs: undefined,
    redriven: false,
    ...overrides,
  };
}

/** A request that a stub system executed. */
export function executed(path: Received["path"], key: string, doneTime = "2026-01-01T00:00:00.000Z"): Received {
  const received: Received = {
    path,
    key,
    orderId: ID,
    arrivals: 1,
    done: true,
    repeats: 0,
    status: 200,
    firstTime: doneTime,
    doneTime,
  };
  return path === "wms/cancel" ? { ...received, answer: '{"answer":"agreed"}' } : received;
}

/** The facts of an inserted order whose changes were all reported by the workload. */
export function factsOf(
  statuses: readonly number[],
  overrides: Partial<Omit<OrderFacts, "journal">> & {
    readonly kind?: Kind;
    readonly origin?: Origin;
    readonly calls?: readonly Call[];
  } = {},
): OrderFacts {
  const { kind = "ordinary", origin = "inserted", calls, ...facts } = overrides;
  const journal = createOrderJournal(order(kind), origin);
  journal.calls.push(...(calls ?? statuses.map((status, index) => reported(status, index + 1))));
  return {
    journal,
    row: { status: statuses.at(-1) ?? 1000, version: statuses.length, paused: false },
    history: history(...statuses),
    ledger: [],
    settlements: [],
    gifts: [],
    received: [],
    notifications: [],
    cancels: [],
    returns: [],
    ...facts,
  };
}

/** All states from payment to delivery. */
export const DELIVERED = [1010, 1020, 2010, 2020, 3010, 3020, 3030, 4010, 5010, 5020, 6010] as const;

/** The kinds of findings of a checker, in order. */
export function findings(checker: Checker, facts: OrderFacts): Finding["kind"][] {
  const found: Finding["kind"][] = [];
  checker.check(facts, (kind) => found.push(kind));
  return found;
}
