import type { TableSpec } from "./ensure-table.ts";

/** Answers of the WMS that contradict the order. */
export const ANSWER_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_cancel_request",
    columns: { conflict_time: "datetime(3) null" },
    primaryKey: ["cancel_id"],
  },
];

/** For the forward flow and the reversal flows. */
export const FLOW_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_order_main",
    columns: { order_id: "bigint not null", recharge_account: "varchar(128) null" },
    primaryKey: ["order_id"],
    // Finds the children of a split order.
    indexes: [{ columns: ["parent_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_status",
    columns: { order_id: "bigint not null", warehouse_count: "int not null default 0" },
    primaryKey: ["order_id"],
  },
  {
    schema: "oms_db",
    name: "oms_action_ledger",
    columns: { id: "bigint not null auto_increment", clean_attempts: "int not null default 0" },
    primaryKey: ["id"],
  },
  {
    schema: "oms_db",
    name: "oms_order_line",
    columns: {
      order_id: "bigint not null",
      warehouse_id: "bigint not null",
      sku_id: "bigint not null",
      quantity: "int not null",
    },
    primaryKey: ["order_id", "warehouse_id", "sku_id"],
  },
  {
    schema: "oms_db",
    name: "oms_cancel_request",
    columns: {
      cancel_id: "bigint not null",
      order_id: "bigint not null",
      state: "enum('WAITING_FOR_WMS', 'CANCELLED', 'REFUSED') not null",
      verdict: "varchar(32) not null",
      reason: "varchar(512) not null default ''",
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      refusal_reason: "varchar(1000) not null default ''",
      request_time: "datetime(3) not null",
      answer_until: "datetime(3) null",
      finish_time: "datetime(3) null",
    },
    primaryKey: ["cancel_id"],
    indexes: [{ columns: ["order_id", "cancel_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_return_request",
    columns: {
      return_id: "bigint not null",
      order_id: "bigint not null",
      reason: "varchar(512) not null default ''",
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      request_time: "datetime(3) not null",
    },
    primaryKey: ["return_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "ordercancel_db",
    name: "order_return_detail",
    columns: {
      order_id: "bigint not null",
      return_id: "bigint not null",
      sku_id: "bigint null",
      quantity: "int null",
      create_date: "datetime(3) null default current_timestamp(3)",
    },
    primaryKey: ["id"],
    keyColumns: { id: "bigint not null auto_increment" },
  },
];
