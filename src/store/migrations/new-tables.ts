import type { TableSpec } from "./ensure-table.ts";

const AUTO_ID = "bigint not null auto_increment";
const MESSAGE_ID = "varchar(128) not null";
const TIME = "datetime(3) not null";
const TRACEPARENT = "varchar(128) not null default ''";

/**
 * Written in the commit of a change: history, request ids. Commit marks are written by servers of
 * version 0.1.0 only, which may run beside this one during an upgrade.
 */
export const CHANGE_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_status_history",
    columns: {
      id: AUTO_ID,
      order_id: "bigint not null",
      version: "int not null",
      from_status: "int not null",
      to_status: "int not null",
      outcome: "enum('APPLIED', 'STALE') not null",
      occur_time: TIME,
      record_time: TIME,
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      request_id: "varchar(128) not null default ''",
      remark: "varchar(512) not null default ''",
      traceparent: TRACEPARENT,
    },
    primaryKey: ["id"],
    indexes: [{ columns: ["order_id", "id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_request",
    columns: {
      // Bytes: a collation would treat ids as equal that differ in case or trailing spaces.
      request_id: "varbinary(512) not null",
      digest: "binary(20) not null",
      answer: "varchar(1024) not null",
      order_id: "bigint not null",
      record_time: TIME,
    },
    primaryKey: ["request_id"],
  },
  {
    schema: "oms_db",
    name: "oms_commit_mark",
    columns: {
      lane: "varchar(64) not null",
      batch: "bigint not null",
      first_outbox_id: "bigint not null",
      record_time: TIME,
    },
    primaryKey: ["lane"],
  },
];

/** Events, and their processing by the Actions. */
export const EVENT_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_outbox",
    columns: {
      id: AUTO_ID,
      message_id: MESSAGE_ID,
      order_id: "bigint not null",
      subject: "varchar(128) not null",
      event_type: "varchar(128) not null",
      body: "mediumblob not null",
      record_time: TIME,
      traceparent: TRACEPARENT,
      // 1 if the broker has it, and the row is kept for an Action.
      published: "tinyint not null default 0",
    },
    primaryKey: ["id"],
  },
  {
    schema: "oms_db",
    name: "oms_action_ledger",
    columns: {
      id: AUTO_ID,
      message_id: MESSAGE_ID,
      action: "varchar(64) not null",
      order_id: "bigint not null",
      outbox_id: "bigint not null",
      state: "enum('PENDING', 'RETRYING', 'DONE', 'PARKED', 'DISCARDED') not null",
      attempts_started: "int not null default 0",
      attempts_finished: "int not null default 0",
      claimed_by: "bigint null",
      next_attempt_time: "datetime(3) null",
      last_error: "varchar(1000) null",
      first_time: TIME,
      finish_time: "datetime(3) null",
    },
    primaryKey: ["id"],
    indexes: [
      { columns: ["message_id", "action"], unique: true },
      // The events of an order, by version.
      { columns: ["order_id", "action"] },
      // Due entries and, with the action, counts of open ones, without reading rows.
      { columns: ["state", "next_attempt_time", "action"] },
    ],
  },
];

/** The log of calls. */
export const REQUEST_LOG_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_request_log",
    columns: {
      id: AUTO_ID,
      call_id: "varchar(64) not null",
      rpc: "varchar(64) not null",
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      order_id: "bigint not null",
      request_id: "varchar(128) not null",
      code: "varchar(32) not null",
      duration_ms: "int not null",
      record_time: TIME,
      traceparent: TRACEPARENT,
    },
    primaryKey: ["id"],
    indexes: [{ columns: ["order_id"] }],
  },
];

/** The person in the token of the caller, beside the operator that it names. */
export const AUTHENTICATED_OPERATOR_TABLES: readonly TableSpec[] = [
  "oms_status_history",
  "oms_request_log",
  "oms_cancel_request",
  "oms_return_request",
  "oms_intervention",
  "oms_action_switch",
].map((name) => ({
  schema: "oms_db",
  name,
  // Has a default: servers of the previous version insert rows without it.
  columns: { authenticated_operator: "varchar(64) not null default ''" },
  primaryKey: [],
}));
