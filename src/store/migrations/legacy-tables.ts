import type { TableSpec } from "./ensure-table.ts";

const FLAG = "tinyint null default 0";
const NOW = "datetime(3) null default current_timestamp(3)";
const TIME = "datetime(3) null";
const AUTO_ID = { id: "bigint not null auto_increment" };

/**
 * Tables of the four legacy systems, with the names and columns that these and external systems
 * use.
 */
export const LEGACY_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_order_main",
    columns: {
      order_id: "bigint not null",
      parent_id: "bigint null",
      root_parent_id: "bigint null",
      is_parent: FLAG,
      order_source: "int null default 0",
      order_type: "int null default 0",
      is_payed: FLAG,
      is_refund: "tinyint null",
      create_date: NOW,
      update_date: TIME,
      modify_date: TIME,
    },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }, { columns: ["root_parent_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_status",
    columns: {
      order_id: "bigint not null",
      order_status: "int null default 1000",
      is_pause: FLAG,
      is_finish: FLAG,
      create_date: NOW,
      update_date: TIME,
      version: "int not null default 0",
      passed_states: "int not null default 0",
      status_time: TIME,
    },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_detail",
    columns: { order_id: "bigint not null", sku_id: "bigint not null", quantity: "int null default 0" },
    primaryKey: ["order_id", "sku_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_detail_exp",
    columns: { order_id: "bigint not null", sku_id: "bigint not null", delivery_num: "int null default 0" },
    primaryKey: ["order_id", "sku_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_source",
    columns: { order_source: "int not null", order_source_value: "varchar(128) null" },
    primaryKey: ["order_source"],
  },
  {
    schema: "oms_db",
    name: "oms_order_invoice",
    columns: {
      order_id: "bigint not null",
      invoice_status: FLAG,
      is_invoiced: FLAG,
      invoice_type: "int null",
      invoice_title: "varchar(256) null",
      invoice_content: "varchar(512) null",
      invoice_tax_payer_code: "varchar(64) null",
      invoice_email: "varchar(254) null",
    },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_delivery_main",
    columns: {
      order_id: "bigint not null",
      delivery_id: "varchar(64) null",
      delivery_company: "varchar(128) null",
      waybill_no: "varchar(64) null",
    },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "oms_db",
    name: "oms_order_status_rule",
    columns: {
      order_id: "bigint not null",
      order_status: "int null",
      message_id: "varchar(128) character set utf8mb4 collate utf8mb4_bin null",
      settlement_lines: "mediumtext character set utf8mb4 collate utf8mb4_bin null",
      create_date: NOW,
    },
    primaryKey: ["id"],
    keyColumns: AUTO_ID,
    indexes: [{ columns: ["message_id"], unique: true }],
  },
  {
    schema: "ordercancel_db",
    name: "oms_order_cancel",
    columns: { order_id: "bigint not null" },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "ordercancel_db",
    name: "oms_order_cancel_flow",
    columns: { order_id: "bigint not null", current_process: "int null" },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "ordercancel_db",
    name: "oms_push_issuccess",
    columns: { order_id: "bigint not null", process_flag: "int null" },
    primaryKey: ["order_id"],
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "ordercancel_db",
    name: "order_return_detail",
    columns: { order_id: "bigint not null", return_id: "bigint not null" },
    primaryKey: ["id"],
    keyColumns: AUTO_ID,
    indexes: [{ columns: ["order_id"] }],
  },
  {
    schema: "wmsindb",
    name: "oms_gift_cust_record",
    columns: { order_id: "bigint not null", gift_status: FLAG, update_date: TIME },
    primaryKey: ["id"],
    keyColumns: AUTO_ID,
    indexes: [{ columns: ["order_id"] }],
  },
];
