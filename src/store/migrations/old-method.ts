import type { TableSpec } from "./table-spec.ts";

/** By which old address a call came. */
export const OLD_METHOD_TABLES: readonly TableSpec[] = [
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
