import type { TableSpec } from "./ensure-table.ts";

const TIME = "datetime(3) not null";

/** For operators: pauses and totals of Actions, and interventions. */
export const OPERATIONS_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_action_ledger",
    columns: {
      id: "bigint not null auto_increment",
      forgiven_attempts: "int not null default 0",
      intervention_id: "bigint null",
    },
    primaryKey: ["id"],
    // Gives each Action's due rows by time, its parked ones by id, and its counts including running
    // attempts, without reading rows. The columns after the time cost no extra write: an entry
    // moves at every attempt.
    indexes: [{ columns: ["action", "state", "next_attempt_time", "id", "attempts_started", "attempts_finished"] }],
    // The earlier index, which mixed the Actions.
    obsoleteIndexes: [["state", "next_attempt_time", "action"]],
  },
  {
    schema: "oms_db",
    name: "oms_action_switch",
    columns: {
      action: "varchar(64) not null",
      paused: "tinyint not null",
      reason: "varchar(512) not null default ''",
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      change_time: TIME,
    },
    primaryKey: ["action"],
  },
  {
    schema: "oms_db",
    name: "oms_action_total",
    columns: {
      action: "varchar(64) not null",
      done: "bigint not null default 0",
      retries: "bigint not null default 0",
      last_error: "varchar(1000) null",
      last_error_time: "datetime(3) null",
    },
    primaryKey: ["action"],
  },
  {
    schema: "oms_db",
    name: "oms_intervention",
    columns: {
      id: "bigint not null auto_increment",
      kind: "enum('RETRY', 'DISCARD', 'REPLAY', 'PAUSE', 'RESUME') not null",
      action: "varchar(64) not null",
      selection: "varchar(1024) not null default ''",
      affected: "int not null default 0",
      caller: "varchar(64) not null",
      operator: "varchar(64) not null",
      reason: "varchar(512) not null default ''",
      record_time: TIME,
    },
    primaryKey: ["id"],
    indexes: [{ columns: ["action"] }],
  },
];

/** Makes starting an attempt cheap. */
export const CLAIM_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_action_ledger",
    columns: { id: "bigint not null auto_increment" },
    primaryKey: ["id"],
    // With a value from the beginning a row does not grow when it is claimed, which would split
    // full pages.
    defaults: { claimed_by: "0" },
    // Starting an attempt does not change this index: the counts of attempts are read from the
    // rows.
    indexes: [{ columns: ["action", "state", "next_attempt_time", "id"] }],
    obsoleteIndexes: [["action", "state", "next_attempt_time", "id", "attempts_started", "attempts_finished"]],
  },
];

/** The legacy method of a call. */
export const LEGACY_METHOD_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_request_log",
    columns: {
      id: "bigint not null auto_increment",
      old_method: "varchar(64) not null default ''",
    },
    primaryKey: ["id"],
  },
];

/** Results of comparing our answers with the legacy system's. */
export const SHADOW_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_shadow_total",
    columns: {
      method: "varchar(64) not null",
      same_count: "bigint not null default 0",
      different_count: "bigint not null default 0",
      failed_count: "bigint not null default 0",
      skipped_count: "bigint not null default 0",
      last_time: "datetime(3) not null",
    },
    primaryKey: ["method"],
  },
  {
    schema: "oms_db",
    name: "oms_shadow_difference",
    columns: {
      id: "bigint not null auto_increment",
      method: "varchar(64) not null",
      field: "varchar(128) not null",
      kind: "enum('VALUE', 'TYPE', 'MISSING', 'ADDED') not null",
      ours: "varchar(128) not null default ''",
      theirs: "varchar(128) not null default ''",
      order_id: "bigint not null default 0",
      caller: "varchar(64) not null",
      call_id: "varchar(64) not null",
      record_time: "datetime(3) not null",
    },
    primaryKey: ["id"],
    indexes: [{ columns: ["method", "id"] }],
  },
];

/** Work that one server does for all of them. */
export const LEASE_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_lease",
    columns: {
      name: "varchar(64) not null",
      token: "bigint not null",
      holder: "varchar(128) not null",
      expire_time: TIME,
    },
    primaryKey: ["name"],
  },
];
