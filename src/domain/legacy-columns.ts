import { Status } from "./state-machine.ts";

/** The columns that a state sets for legacy readers; a column that is not named keeps its value. */
export interface LegacyColumns {
  /** Of `oms_order_status`. */
  readonly status?: { readonly is_finish: 0 | 1 };
  /** Of `oms_order_main`. */
  readonly main?: LegacyMainColumns;
}

export interface LegacyMainColumns {
  readonly is_payed?: 0 | 1;
  readonly order_type?: number;
  /** The time of the change. */
  readonly modify_date?: "now";
}

/** `order_type` of a cancelled order, the legacy system's number. */
const CANCELLED_ORDER_TYPE = 100;

/** What reaching a state does to the legacy columns: the only place that decides it. */
const TABLE: ReadonlyMap<number, LegacyColumns> = new Map<Status, LegacyColumns>([
  [Status.CREATED, { status: { is_finish: 0 }, main: { is_payed: 0 } }],
  [Status.PAID, { main: { is_payed: 1 } }],
  [Status.WMS_DISPATCHED, { status: { is_finish: 1 } }],
  [Status.WMS_ACCEPTED, { status: { is_finish: 0 } }],
  [Status.PICKING, { status: { is_finish: 0 } }],
  [Status.PACKED, { status: { is_finish: 0 } }],
  [Status.HANDED_OVER, { status: { is_finish: 0 } }],
  [Status.CANCELLED, { status: { is_finish: 1 }, main: { order_type: CANCELLED_ORDER_TYPE, modify_date: "now" } }],
]);

const NONE: LegacyColumns = {};

/** What reaching a state sets. */
export function legacyColumns(status: number): LegacyColumns {
  return TABLE.get(status) ?? NONE;
}

/** The columns of an order that has reached these states, one after the other. */
export function legacyColumnsAfter(states: readonly number[]): {
  readonly status: LegacyColumns["status"] | undefined;
  readonly main: LegacyMainColumns;
} {
  const columns = states.map(legacyColumns);
  return {
    status: columns.findLast(({ status }) => status !== undefined)?.status,
    main: Object.assign({}, ...columns.map(({ main }) => main)),
  };
}
