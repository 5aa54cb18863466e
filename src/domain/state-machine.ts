/**
 * The state machine as one table. A deployment with other status codes changes this table and the
 * enum in the contract; DescribeStateMachine and the diagram in the docs are generated from it.
 */

/**
 * The codes in `oms_order_status.order_status`, in order of progress. 2010 and 9001 are legacy
 * codes.
 */
export const Status = {
  CREATED: 1000,
  PAID: 1010,
  APPROVED: 1020,
  SPLIT: 1030,
  ERP_ALLOCATED: 2010,
  WMS_DISPATCHED: 2020,
  WMS_ACCEPTED: 3010,
  PICKING: 3020,
  PACKED: 3030,
  HANDED_OVER: 4010,
  IN_TRANSIT: 5010,
  OUT_FOR_DELIVERY: 5020,
  DELIVERED: 6010,
  REJECTED: 6020,
  DELIVERY_FAILED: 6030,
  LOST: 6040,
  CANCELLED: 9001,
} as const;

/** A state's name, for example "ERP_ALLOCATED". */
export type StatusName = keyof typeof Status;

/** A status code of the table. */
export type Status = (typeof Status)[StatusName];

/** A system that reports states. */
export type Reporter = "intake" | "Pay" | "forward flow" | "WMS" | "TMS" | "DMS" | "front end" | "reversal flow";

/** What a transition requires beside its two states. */
export type Condition = "virtual goods only" | "CancelOrder only";

/** A transition of the state machine. */
export interface Transition {
  readonly from: Status;
  readonly to: Status;
  /** The systems that report the state it leads to. */
  readonly reportedBy: readonly Reporter[];
  readonly condition?: Condition;
}

interface Row {
  /**
   * The state's bit in `passed_states`, 0 to 30. Stored: never change it, never reuse a removed
   * one.
   */
  readonly bit: number;
  readonly label: string;
  readonly reportedBy: readonly Reporter[];
  readonly next: readonly StatusName[];
  /**
   * Next states for virtual goods only (recharge cards), which are neither allocated nor
   * dispatched.
   */
  readonly nextIfVirtual?: readonly StatusName[];
  /** Whether CancelOrder leads out; "by report" also allows a report of CANCELLED. */
  readonly cancel?: "by report" | "by operation";
}

/** The possible ends of a delivery. */
const DELIVERY_ENDS = ["DELIVERED", "REJECTED", "DELIVERY_FAILED", "LOST"] as const;

/**
 * Reporters may skip the states they report; the forward flow skips neither allocation nor
 * dispatch.
 */
const TABLE: Readonly<Record<StatusName, Row>> = {
  CREATED: { bit: 0, label: "已创建", reportedBy: ["intake"], next: ["PAID"], cancel: "by report" },
  PAID: {
    bit: 1,
    label: "已付款",
    reportedBy: ["Pay"],
    next: ["APPROVED", "SPLIT", "ERP_ALLOCATED"],
    nextIfVirtual: ["DELIVERED"],
    cancel: "by report",
  },
  APPROVED: {
    bit: 2,
    label: "审核通过",
    reportedBy: ["forward flow"],
    next: ["SPLIT", "ERP_ALLOCATED"],
    nextIfVirtual: ["DELIVERED"],
    cancel: "by report",
  },
  SPLIT: { bit: 3, label: "已拆单", reportedBy: ["forward flow"], next: [] },
  ERP_ALLOCATED: {
    bit: 4,
    label: "ERP占用",
    reportedBy: ["forward flow"],
    next: ["WMS_DISPATCHED"],
    cancel: "by operation",
  },
  WMS_DISPATCHED: {
    bit: 5,
    label: "已下发WMS",
    reportedBy: ["forward flow"],
    next: ["WMS_ACCEPTED", "PICKING", "PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...DELIVERY_ENDS],
    cancel: "by operation",
  },
  WMS_ACCEPTED: {
    bit: 6,
    label: "仓库接单",
    reportedBy: ["WMS"],
    next: ["PICKING", "PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...DELIVERY_ENDS],
    cancel: "by operation",
  },
  PICKING: {
    bit: 7,
    label: "拣货",
    reportedBy: ["WMS"],
    next: ["PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...DELIVERY_ENDS],
    cancel: "by operation",
  },
  PACKED: {
    bit: 8,
    label: "打包",
    reportedBy: ["WMS"],
    next: ["HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...DELIVERY_ENDS],
    cancel: "by operation",
  },
  HANDED_OVER: {
    bit: 9,
    label: "交接出库",
    reportedBy: ["WMS"],
    next: ["IN_TRANSIT", "OUT_FOR_DELIVERY", ...DELIVERY_ENDS],
  },
  IN_TRANSIT: { bit: 10, label: "运输中", reportedBy: ["TMS"], next: ["OUT_FOR_DELIVERY", ...DELIVERY_ENDS] },
  OUT_FOR_DELIVERY: { bit: 11, label: "配送中", reportedBy: ["DMS"], next: DELIVERY_ENDS },
  DELIVERED: { bit: 12, label: "妥投", reportedBy: ["TMS", "DMS", "front end"], next: [] },
  REJECTED: { bit: 13, label: "拒收", reportedBy: ["TMS", "DMS"], next: [] },
  DELIVERY_FAILED: {
    bit: 14,
    label: "配送失败",
    reportedBy: ["TMS", "DMS"],
    next: ["OUT_FOR_DELIVERY", "DELIVERED", "REJECTED", "LOST"],
  },
  LOST: { bit: 15, label: "丢包", reportedBy: ["TMS"], next: [] },
  CANCELLED: { bit: 16, label: "取消", reportedBy: ["reversal flow"], next: [] },
};

/** A state of the table. */
export interface State {
  readonly code: Status;
  readonly name: StatusName;
  /** See passed-states.ts. */
  readonly bit: number;
  /** The Chinese name. */
  readonly label: string;
  readonly reportedBy: readonly Reporter[];
  /** No transition leads out of it. */
  readonly final: boolean;
}

const names = Object.keys(Status) as StatusName[];

/** All states, in order of progress. */
export const STATES: readonly State[] = names.map((name) => {
  const { bit, label, reportedBy, next, cancel } = TABLE[name];
  return { code: Status[name], name, bit, label, reportedBy, final: next.length === 0 && cancel === undefined };
});

/** All transitions, by `from` and `to`. */
export const TRANSITIONS: readonly Transition[] = names.flatMap((name) => {
  const { next, nextIfVirtual = [], cancel } = TABLE[name];
  const transitionTo = (to: StatusName, condition?: Condition): Transition => ({
    from: Status[name],
    to: Status[to],
    reportedBy: TABLE[to].reportedBy,
    ...(condition === undefined ? {} : { condition }),
  });
  return [
    ...next.map((to) => transitionTo(to)),
    ...nextIfVirtual.map((to) => transitionTo(to, "virtual goods only")),
    ...(cancel === undefined
      ? []
      : [transitionTo("CANCELLED", cancel === "by operation" ? "CancelOrder only" : undefined)]),
  ].toSorted((a, b) => a.to - b.to);
});

const stateByCode: ReadonlyMap<number, State> = new Map(STATES.map((state) => [state.code, state]));
const transitionsByFrom = Map.groupBy(TRANSITIONS, (transition) => transition.from as number);

/**
 * The state with this code; undefined for an unknown code, which another system may have written.
 */
export function stateOf(code: number): State | undefined {
  return stateByCode.get(code);
}

/** A code for people: "PICKING (3020)", or the bare number for an unknown code. */
export function describeStatus(code: number): string {
  const state = stateByCode.get(code);
  return state === undefined ? String(code) : `${state.name} (${code})`;
}

/** The transitions out of a state. */
export function transitionsFrom(code: number): readonly Transition[] {
  return transitionsByFrom.get(code) ?? [];
}

/** The transition between two states, if there is one. */
export function transition(from: number, to: number): Transition | undefined {
  return transitionsByFrom.get(from)?.find((candidate) => candidate.to === to);
}

function reachableFrom(start: number): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [start];
  for (let code = open.pop(); code !== undefined; code = open.pop()) {
    for (const { to } of transitionsFrom(code)) {
      if (!seen.has(to)) {
        seen.add(to);
        open.push(to);
      }
    }
  }
  return seen;
}

const reachable: ReadonlyMap<number, ReadonlySet<number>> = new Map(
  STATES.map(({ code }) => [code, reachableFrom(code)]),
);

/** Whether an order in `to` may have been in `from` before. */
export function leadsTo(from: number, to: number): boolean {
  return reachable.get(from)?.has(to) ?? false;
}
