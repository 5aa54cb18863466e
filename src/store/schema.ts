import type { ColumnType, Generated } from "kysely";

/**
 * The tables as Kysely types. BIGINT is bigint, DATETIME(3) is a Date in UTC. Legacy tables may
 * have further columns, and other systems insert into them: all columns except the key may be null.
 */
export interface Database {
  "oms_db.oms_order_main": OrderMainTable;
  "oms_db.oms_order_status": OrderStatusTable;
  "oms_db.oms_order_detail": OrderDetailTable;
  "oms_db.oms_order_detail_exp": OrderDetailExpTable;
  "oms_db.oms_order_source": OrderSourceTable;
  "oms_db.oms_order_invoice": OrderInvoiceTable;
  "oms_db.oms_order_delivery_main": OrderDeliveryMainTable;
  "oms_db.oms_order_status_rule": OrderStatusRuleTable;
  "ordercancel_db.oms_order_cancel": OrderCancelTable;
  "ordercancel_db.oms_order_cancel_flow": OrderCancelFlowTable;
  "ordercancel_db.oms_push_issuccess": PushIssuccessTable;
  "ordercancel_db.order_return_detail": OrderReturnDetailTable;
  "wmsindb.oms_gift_cust_record": GiftCustRecordTable;
  "oms_db.oms_status_history": StatusHistoryTable;
  "oms_db.oms_outbox": OutboxTable;
  "oms_db.oms_action_ledger": ActionLedgerTable;
  "oms_db.oms_action_switch": ActionSwitchTable;
  "oms_db.oms_action_total": ActionTotalTable;
  "oms_db.oms_intervention": InterventionTable;
  "oms_db.oms_order_line": OrderLineTable;
  "oms_db.oms_cancel_request": CancelRequestTable;
  "oms_db.oms_return_request": ReturnRequestTable;
  "oms_db.oms_request": RequestTable;
  "oms_db.oms_request_log": RequestLogTable;
  "oms_db.oms_commit_mark": CommitMarkTable;
  "oms_db.oms_shadow_total": ShadowTotalTable;
  "oms_db.oms_shadow_difference": ShadowDifferenceTable;
  "oms_db.oms_lease": LeaseTable;
  "oms_db.oms_migration": MigrationTable;
}

/** A column of a legacy table, which another system's insert may omit or set to null. */
type Old<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** Assigned by the database, never written. */
type AutoId = ColumnType<bigint, never, never>;

export interface OrderMainTable {
  order_id: bigint;
  parent_id: Old<bigint>;
  /** The trade. */
  root_parent_id: Old<bigint>;
  is_parent: Old<number>;
  order_source: Old<number>;
  order_type: Old<number>;
  is_payed: Old<number>;
  is_refund: Old<number>;
  create_date: Old<Date>;
  update_date: Old<Date>;
  modify_date: Old<Date>;
  /** The account that a virtual order recharges. New. */
  recharge_account: Old<string>;
}

export interface OrderStatusTable {
  order_id: bigint;
  order_status: Old<number>;
  is_pause: Old<number>;
  is_finish: Old<number>;
  create_date: Old<Date>;
  update_date: Old<Date>;
  /** Number of changes of the order. New. */
  version: Generated<number>;
  /** The states the order has been in, see domain/passed-states.ts. New. */
  passed_states: Generated<number>;
  /** Start of the current state, as reported. New. */
  status_time: Old<Date>;
  /**
   * Number of warehouses from which the forward flow dispatches the order; 0 if the flow does not
   * move it (another system inserted it, or its goods are virtual). New.
   */
  warehouse_count: Generated<number>;
}

export interface OrderDetailTable {
  order_id: bigint;
  sku_id: bigint;
  quantity: Old<number>;
}

export interface OrderDetailExpTable {
  order_id: bigint;
  sku_id: bigint;
  delivery_num: Old<number>;
}

export interface OrderSourceTable {
  order_source: number;
  order_source_value: Old<string>;
}

export interface OrderInvoiceTable {
  order_id: bigint;
  invoice_status: Old<number>;
  is_invoiced: Old<number>;
  invoice_type: Old<number>;
  invoice_title: Old<string>;
  invoice_content: Old<string>;
  invoice_tax_payer_code: Old<string>;
  invoice_email: Old<string>;
}

export interface OrderDeliveryMainTable {
  order_id: bigint;
  delivery_id: Old<string>;
  delivery_company: Old<string>;
  waybill_no: Old<string>;
}

/** The settlement queue. */
export interface OrderStatusRuleTable {
  order_id: bigint;
  order_status: Old<number>;
  /** The event that put it there; unique. New. */
  message_id: Old<string>;
  /** The quantities to settle, `[{"skuId":"1","quantity":2}]`. New. */
  settlement_lines: Old<string>;
  create_date: Old<Date>;
}

export interface OrderCancelTable {
  order_id: bigint;
}

export interface OrderCancelFlowTable {
  order_id: bigint;
  current_process: Old<number>;
}

export interface PushIssuccessTable {
  order_id: bigint;
  process_flag: Old<number>;
}

export interface OrderReturnDetailTable {
  order_id: bigint;
  return_id: bigint;
  /** New, like those below; null in rows of the legacy system. */
  sku_id: Old<bigint>;
  quantity: Old<number>;
  create_date: Old<Date>;
}

export interface GiftCustRecordTable {
  order_id: bigint;
  gift_status: Old<number>;
  update_date: Old<Date>;
}

/** Accepted reports: one row for each change, and one for each stale report. */
export interface StatusHistoryTable {
  id: AutoId;
  order_id: bigint;
  version: number;
  from_status: number;
  to_status: number;
  outcome: "APPLIED" | "STALE";
  occur_time: Date;
  record_time: Date;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  request_id: string;
  remark: string;
  traceparent: string;
}

/** Events that the broker may not have, or that an Action still needs. */
export interface OutboxTable {
  id: AutoId;
  message_id: string;
  order_id: bigint;
  subject: string;
  event_type: string;
  body: Buffer;
  record_time: Date;
  traceparent: string;
  /** 1 if the broker has it, and the row is kept for an Action. */
  published: Generated<number>;
}

export type ActionState = "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";

/** One row for each event and Action that matches it. */
export interface ActionLedgerTable {
  id: AutoId;
  message_id: string;
  action: string;
  order_id: bigint;
  /** Id of the event's outbox row, as long as it is kept. */
  outbox_id: bigint;
  state: ActionState;
  attempts_started: Generated<number>;
  /** Number of the last attempt that ended. */
  attempts_finished: Generated<number>;
  /**
   * Random token of the claim that started the last attempt, which distinguishes concurrent claims.
   * 0 or null: none.
   */
  claimed_by: ColumnType<bigint | null, bigint | null | undefined, bigint | null>;
  /** Due time, or the end of a lease; null if nothing is scheduled. */
  next_attempt_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  /** Commit time of the event. */
  first_time: Date;
  finish_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
  /** All attempts up to this one are known to have had no side effects in an external system. */
  clean_attempts: Generated<number>;
  /** Attempts before an operator last retried the event: they no longer count against the limit. */
  forgiven_attempts: Generated<number>;
  /** The last intervention that applied to it. */
  intervention_id: ColumnType<bigint | null, bigint | null | undefined, bigint | null>;
}

/** Actions that were paused or resumed. */
export interface ActionSwitchTable {
  action: string;
  paused: number;
  reason: Generated<string>;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  change_time: Date;
}

/** Number of attempts of each Action that succeeded and failed, and its last error. */
export interface ActionTotalTable {
  action: string;
  done: Generated<bigint>;
  retries: Generated<bigint>;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  last_error_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

export type InterventionKind = "RETRY" | "DISCARD" | "REPLAY" | "PAUSE" | "RESUME";

/** Interventions of operators, with their reasons. */
export interface InterventionTable {
  id: AutoId;
  kind: InterventionKind;
  action: string;
  /** Description of the selected events; "" for pause and resume. */
  selection: Generated<string>;
  affected: Generated<number>;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  reason: Generated<string>;
  record_time: Date;
}

/**
 * Lines by warehouse of an order submitted to this service; `oms_order_detail` has the sums by SKU,
 * for old readers.
 */
export interface OrderLineTable {
  order_id: bigint;
  sku_id: bigint;
  warehouse_id: bigint;
  quantity: number;
}

export type CancelRequestState = "WAITING_FOR_WMS" | "CANCELLED" | "REFUSED";

/** Cancel requests; for old readers, the old reversal tables have the last one of each order. */
export interface CancelRequestTable {
  cancel_id: bigint;
  order_id: bigint;
  state: CancelRequestState;
  /** Verdict of legacy operation 1. */
  verdict: string;
  reason: string;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  /** "" if it was not refused. */
  refusal_reason: Generated<string>;
  request_time: Date;
  /** Deadline of the WMS's answer; null if it is not asked. */
  answer_until: ColumnType<Date | null, Date | null | undefined, Date | null>;
  finish_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
  /** When an answer of the WMS first contradicted the order; null for never. New. */
  conflict_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** Returns; `order_return_detail` has their lines. */
export interface ReturnRequestTable {
  return_id: bigint;
  order_id: bigint;
  reason: string;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  request_time: Date;
}

/** The first answer to each request id. */
export interface RequestTable {
  /** UTF-8 bytes: compared with case and trailing spaces. */
  request_id: Buffer;
  /** SHA-1 of the request's content. */
  digest: Buffer;
  /** JSON. */
  answer: string;
  order_id: bigint;
  record_time: Date;
}

/** All changing calls and all legacy calls. */
export interface RequestLogTable {
  id: AutoId;
  call_id: string;
  rpc: string;
  /** The legacy method; "" if the RPC itself was called. */
  old_method: Generated<string>;
  caller: string;
  operator: string;
  /** The person in the caller's token; "" for none. New. */
  authenticated_operator: Generated<string>;
  /** The first order in the request; 0 if it names none. */
  order_id: bigint;
  request_id: string;
  code: string;
  duration_ms: number;
  record_time: Date;
  traceparent: string;
}

/**
 * The last batch committed by each lane of a committer: shows whether a COMMIT without an answer
 * took effect.
 */
export interface CommitMarkTable {
  lane: string;
  batch: bigint;
  first_outbox_id: bigint;
  record_time: Date;
}

/** Results of comparing each legacy method's answers with the legacy system's. */
export interface ShadowTotalTable {
  method: string;
  same_count: Generated<bigint>;
  different_count: Generated<bigint>;
  /** The legacy system gave no answer. */
  failed_count: Generated<bigint>;
  /** Not compared, as too many comparisons were running. */
  skipped_count: Generated<bigint>;
  last_time: Date;
}

export type ShadowDifferenceKind = "VALUE" | "TYPE" | "MISSING" | "ADDED";

/** Differences between our answers and the legacy system's, without personal data. */
export interface ShadowDifferenceTable {
  id: AutoId;
  method: string;
  field: string;
  kind: ShadowDifferenceKind;
  ours: Generated<string>;
  theirs: Generated<string>;
  /** 0 if the call named none. */
  order_id: Generated<bigint>;
  caller: string;
  call_id: string;
  record_time: Date;
}

/** Work that one server does for all of them. */
export interface LeaseTable {
  name: string;
  /** Incremented by each change of the holder. */
  token: bigint;
  /** Host and process, for operators. */
  holder: string;
  /** Another server may take over from then on. */
  expire_time: Date;
}

export interface MigrationTable {
  name: string;
  applied_time: Date;
}
