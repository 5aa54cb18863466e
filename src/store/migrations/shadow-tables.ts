import type { TableSpec } from "./table-spec.ts";

/** What came of holding our answers against the old system's. */
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
