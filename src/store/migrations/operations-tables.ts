import type { TableSpec } from "./table-spec.ts";

const TIME = "datetime(3) not null";

/** What the people who run the Actions need: switches, sums, and who did what and why. */
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
    // Each Action's due rows in turn, its parked ones by id, and its counts, attempts under way among them, without a look at the rows; a
    // crowd of one Action is in no other's way. What is behind the time costs no write of its own: an entry moves at every attempt.
    indexes: [{ columns: ["action", "state", "next_attempt_time", "id", "attempts_started", "attempts_finished"] }],
    // The index before, which had the Actions mixed: every row would pay for both.
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
