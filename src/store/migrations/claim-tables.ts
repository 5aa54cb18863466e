import type { TableSpec } from "./table-spec.ts";

/** What makes it cheap to begin an attempt. */
export const CLAIM_TABLES: readonly TableSpec[] = [
  {
    schema: "oms_db",
    name: "oms_action_ledger",
    columns: { id: "bigint not null auto_increment" },
    primaryKey: ["id"],
    // A row that has the place for its claim from the beginning does not grow with it: pages are full, and would be split.
    defaults: { claimed_by: "0" },
    // An attempt that begins moves nothing in here, as the counts of attempts are looked up in the rows.
    indexes: [{ columns: ["action", "state", "next_attempt_time", "id"] }],
    obsoleteIndexes: [["action", "state", "next_attempt_time", "id", "attempts_started", "attempts_finished"]],
  },
];
