import type { ColumnType, Generated } from "kysely";

/**
 * The tables, as Kysely sees them. BIGINT is bigint, DATETIME(3) is a Date in UTC. Old tables may have further columns, and
 * may be filled by other systems: everything but the key may be null there.
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
  "oms_db.oms_migration": MigrationTable;
}

/** A column of an old table that a foreign insert may leave out, or fill with null. */
type Old<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** Given out by the database, never written. */
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
  /** How many changes the order has had. New. */
  version: Generated<number>;
  /** The states the order has been in, see domain/passed-states.ts. New. */
  passed_states: Generated<number>;
  /** When the current state began, as its reporter said. New. */
  status_time: Old<Date>;
  /**
   * In how many warehouses the goods are that the forward flow brings to dispatch; 0 where the flow does not move the order (others put
   * it here, or its goods are virtual). New.
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
  /** New, like those below; null in rows of the old system. */
  sku_id: Old<bigint>;
  quantity: Old<number>;
  create_date: Old<Date>;
}

export interface GiftCustRecordTable {
  order_id: bigint;
  gift_status: Old<number>;
  update_date: Old<Date>;
}

/** What was reported and taken: one row for each change, and one for each late report. */
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
  request_id: string;
  remark: string;
  traceparent: string;
}

/** Events that the broker may not have yet. */
export interface OutboxTable {
  id: AutoId;
  message_id: string;
  order_id: bigint;
  subject: string;
  event_type: string;
  body: Buffer;
  record_time: Date;
  traceparent: string;
  /** 1: the broker has it, but an Action is not done with it yet. */
  published: Generated<number>;
}

export type ActionState = "PENDING" | "RETRYING" | "DONE" | "PARKED" | "DISCARDED";

/** One row for each event and Action that asks for it. */
export interface ActionLedgerTable {
  id: AutoId;
  message_id: string;
  action: string;
  order_id: bigint;
  /** The event's row in the outbox, as long as it is kept. */
  outbox_id: bigint;
  state: ActionState;
  attempts_started: Generated<number>;
  /** The last attempt that came to an end, good or bad. */
  attempts_finished: Generated<number>;
  /** A random number of whoever started the last attempt: tells two apart that try at once. 0 or null: nobody did. */
  claimed_by: ColumnType<bigint | null, bigint | null | undefined, bigint | null>;
  /** When it is due; null when nothing is. */
  next_attempt_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  /** When the event was committed. */
  first_time: Date;
  finish_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
  /** Of the attempts up to this one it is known that none has left anything behind at a neighbour. */
  clean_attempts: Generated<number>;
  /** Attempts before a person had it tried again: they count no more against the limit. */
  forgiven_attempts: Generated<number>;
  /** The last thing that a person did about it. */
  intervention_id: ColumnType<bigint | null, bigint | null | undefined, bigint | null>;
}

/** Which Actions a person has paused, or has resumed. */
export interface ActionSwitchTable {
  action: string;
  paused: number;
  reason: Generated<string>;
  caller: string;
  operator: string;
  change_time: Date;
}

/** How often each Action was done or failed, and what it failed with last. */
export interface ActionTotalTable {
  action: string;
  done: Generated<bigint>;
  retries: Generated<bigint>;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  last_error_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

export type InterventionKind = "RETRY" | "DISCARD" | "REPLAY" | "PAUSE" | "RESUME";

/** What a person did about the Actions, and why. */
export interface InterventionTable {
  id: AutoId;
  kind: InterventionKind;
  action: string;
  /** Which events were meant, for people; "" for pause and resume. */
  selection: Generated<string>;
  affected: Generated<number>;
  caller: string;
  operator: string;
  reason: Generated<string>;
  record_time: Date;
}

/** What an order that came in here takes from which warehouse; `oms_order_detail` has the sums by SKU, as old readers know it. */
export interface OrderLineTable {
  order_id: bigint;
  sku_id: bigint;
  warehouse_id: bigint;
  quantity: number;
}

export type CancelRequestState = "WAITING_FOR_WMS" | "CANCELLED" | "REFUSED";

/** The cancel requests, one row each; the old reversal tables tell old readers of the last one of an order. */
export interface CancelRequestTable {
  cancel_id: bigint;
  order_id: bigint;
  state: CancelRequestState;
  /** What old operation 1 said. */
  verdict: string;
  reason: string;
  caller: string;
  operator: string;
  /** "" where it was not refused. */
  refusal_reason: Generated<string>;
  request_time: Date;
  /** Until when the WMS may answer; null where it is not asked. */
  answer_until: ColumnType<Date | null, Date | null | undefined, Date | null>;
  finish_time: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** The returns: gives out their ids. `order_return_detail` has their lines. */
export interface ReturnRequestTable {
  return_id: bigint;
  order_id: bigint;
  reason: string;
  caller: string;
  operator: string;
  request_time: Date;
}

/** The first answer to each request id. */
export interface RequestTable {
  /** UTF-8 bytes: compared as they are, case and trailing spaces included. */
  request_id: Buffer;
  /** SHA-1 of the request's content. */
  digest: Buffer;
  /** JSON. */
  answer: string;
  order_id: bigint;
  record_time: Date;
}

/** Every changing call. */
export interface RequestLogTable {
  id: AutoId;
  call_id: string;
  rpc: string;
  /** The old system's method by which it came; empty where the RPC itself was called. */
  old_method: Generated<string>;
  caller: string;
  operator: string;
  /** The first order the call names; 0 where it names none. */
  order_id: bigint;
  request_id: string;
  code: string;
  duration_ms: number;
  record_time: Date;
  traceparent: string;
}

/** The last batch that each lane of a committer committed: tells whether a COMMIT without an answer happened. */
export interface CommitMarkTable {
  lane: string;
  batch: bigint;
  first_outbox_id: bigint;
  record_time: Date;
}

/** How often each old method's answers were compared with the old system's. */
export interface ShadowTotalTable {
  method: string;
  same_count: Generated<bigint>;
  different_count: Generated<bigint>;
  /** The old system gave no answer. */
  failed_count: Generated<bigint>;
  /** Not compared, as too many were under way. */
  skipped_count: Generated<bigint>;
  last_time: Date;
}

export type ShadowDifferenceKind = "VALUE" | "TYPE" | "MISSING" | "ADDED";

/** What our answers and the old system's did not have in common, without personal data. */
export interface ShadowDifferenceTable {
  id: AutoId;
  method: string;
  field: string;
  kind: ShadowDifferenceKind;
  ours: Generated<string>;
  theirs: Generated<string>;
  /** 0 where the call named none. */
  order_id: Generated<bigint>;
  caller: string;
  call_id: string;
  record_time: Date;
}

export interface MigrationTable {
  name: string;
  applied_time: Date;
}
