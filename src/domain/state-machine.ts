/**
 * The state machine: one table. A deployment that knows its real status codes changes this table (and the enum in the
 * contract) and nothing else; DescribeStateMachine and the README's diagram are made from it.
 */

/** The codes stored in `oms_order_status.order_status`; 2010 and 9001 are the old system's. Size is progress. */
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

/** Who tells of a state. */
export type Reporter = "intake" | "Pay" | "forward flow" | "WMS" | "TMS" | "DMS" | "front end" | "reversal flow";

/** What must hold for an arrow beyond the two states. */
export type Condition = "virtual goods only" | "CancelOrder only";

/** An arrow of the state machine. */
export interface Transition {
  readonly from: Status;
  readonly to: Status;
  readonly reportedBy: readonly Reporter[];
  readonly condition?: Condition;
}

interface Row {
  readonly label: string;
  readonly reportedBy: readonly Reporter[];
  readonly next: readonly StatusName[];
  /** Next only for virtual goods (recharge cards), which are never allocated nor dispatched. */
  readonly nextIfVirtual?: readonly StatusName[];
  /** Whether CancelOrder leads out: "by report" also lets anyone report CANCELLED. */
  readonly cancel?: "by report" | "by operation";
}

/** How an order can end on the road. */
const ENDS = ["DELIVERED", "REJECTED", "DELIVERY_FAILED", "LOST"] as const;

/** Reporters may skip states within what they report; a step of our own flow skips no allocation and no dispatch. */
const TABLE: Readonly<Record<StatusName, Row>> = {
  CREATED: { label: "已创建", reportedBy: ["intake"], next: ["PAID"], cancel: "by report" },
  PAID: {
    label: "已付款",
    reportedBy: ["Pay"],
    next: ["APPROVED", "SPLIT", "ERP_ALLOCATED"],
    nextIfVirtual: ["DELIVERED"],
    cancel: "by report",
  },
  APPROVED: {
    label: "审核通过",
    reportedBy: ["forward flow"],
    next: ["SPLIT", "ERP_ALLOCATED"],
    nextIfVirtual: ["DELIVERED"],
    cancel: "by report",
  },
  SPLIT: { label: "已拆单", reportedBy: ["forward flow"], next: [] },
  ERP_ALLOCATED: { label: "ERP占用", reportedBy: ["forward flow"], next: ["WMS_DISPATCHED"], cancel: "by operation" },
  WMS_DISPATCHED: {
    label: "已下发WMS",
    reportedBy: ["forward flow"],
    next: ["WMS_ACCEPTED", "PICKING", "PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...ENDS],
    cancel: "by operation",
  },
  WMS_ACCEPTED: {
    label: "仓库接单",
    reportedBy: ["WMS"],
    next: ["PICKING", "PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...ENDS],
    cancel: "by operation",
  },
  PICKING: {
    label: "拣货",
    reportedBy: ["WMS"],
    next: ["PACKED", "HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...ENDS],
    cancel: "by operation",
  },
  PACKED: {
    label: "打包",
    reportedBy: ["WMS"],
    next: ["HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY", ...ENDS],
    cancel: "by operation",
  },
  HANDED_OVER: { label: "交接出库", reportedBy: ["WMS"], next: ["IN_TRANSIT", "OUT_FOR_DELIVERY", ...ENDS] },
  IN_TRANSIT: { label: "运输中", reportedBy: ["TMS"], next: ["OUT_FOR_DELIVERY", ...ENDS] },
  OUT_FOR_DELIVERY: { label: "配送中", reportedBy: ["DMS"], next: ENDS },
  DELIVERED: { label: "妥投", reportedBy: ["TMS", "DMS", "front end"], next: [] },
  REJECTED: { label: "拒收", reportedBy: ["TMS", "DMS"], next: [] },
  DELIVERY_FAILED: {
    label: "配送失败",
    reportedBy: ["TMS", "DMS"],
    next: ["OUT_FOR_DELIVERY", "DELIVERED", "REJECTED", "LOST"],
  },
  LOST: { label: "丢包", reportedBy: ["TMS"], next: [] },
  CANCELLED: { label: "取消", reportedBy: ["reversal flow"], next: [] },
};

/** A state of the table. */
export interface State {
  readonly code: Status;
  readonly name: StatusName;
  /** The Chinese name. */
  readonly label: string;
  readonly reportedBy: readonly Reporter[];
  /** Nothing leads out of it. */
  readonly final: boolean;
}

const names = Object.keys(Status) as StatusName[];

/** All states, in order of progress. */
export const STATES: readonly State[] = names.map((name) => ({
  code: Status[name],
  name,
  label: TABLE[name].label,
  reportedBy: TABLE[name].reportedBy,
  final: TABLE[name].next.length === 0 && TABLE[name].cancel === undefined,
}));

/** All arrows, by from and to. */
export const TRANSITIONS: readonly Transition[] = names.flatMap((name) => {
  const { next, nextIfVirtual = [], cancel } = TABLE[name];
  const arrow = (to: StatusName, condition?: Condition): Transition => ({
    from: Status[name],
    to: Status[to],
    reportedBy: TABLE[to].reportedBy,
    ...(condition === undefined ? {} : { condition }),
  });
  return [
    ...next.map((to) => arrow(to)),
    ...nextIfVirtual.map((to) => arrow(to, "virtual goods only")),
    ...(cancel === undefined ? [] : [arrow("CANCELLED", cancel === "by operation" ? "CancelOrder only" : undefined)]),
  ].toSorted((a, b) => a.to - b.to);
});

const stateByCode: ReadonlyMap<number, State> = new Map(STATES.map((state) => [state.code, state]));
const transitionsByFrom = Map.groupBy(TRANSITIONS, (transition) => transition.from as number);

/** The state with this code; undefined for a code that is not of the table (another system may have written it). */
export function stateOf(code: number): State | undefined {
  return stateByCode.get(code);
}

/** A code as people say it: "PICKING (3020)", or the bare number where the table does not know it. */
export function describeStatus(code: number): string {
  const state = stateByCode.get(code);
  return state === undefined ? String(code) : `${state.name} (${code})`;
}

/** The arrows that lead out of a state. */
export function transitionsFrom(code: number): readonly Transition[] {
  return transitionsByFrom.get(code) ?? [];
}

/** The arrow between two states, if there is one. */
export function transition(from: number, to: number): Transition | undefined {
  return transitionsByFrom.get(from)?.find((arrow) => arrow.to === to);
}

function reachableFrom(start: number): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { to } of transitionsFrom(at)) {
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
