import type { TableSpec } from "./ensure-table.ts";
import { FLOW_TABLES } from "./flow-tables.ts";
import { OLD_TABLES } from "./legacy-tables.ts";
import { CHANGE_TABLES, EVENT_TABLES, REQUEST_LOG_TABLES } from "./new-tables.ts";
import { CLAIM_TABLES, OLD_METHOD_TABLES, OPERATIONS_TABLES, SHADOW_TABLES } from "./operations-tables.ts";

/** Something that is done once. A step that was cut short is done again: it adds only what is missing. */
export interface Step {
  readonly name: string;
  readonly tables: readonly TableSpec[];
}

/** In order; a landed step is never changed, a new one goes to the end. */
export const STEPS: readonly Step[] = [
  { name: "001-old-tables", tables: OLD_TABLES },
  { name: "002-change-tables", tables: CHANGE_TABLES },
  { name: "003-event-tables", tables: EVENT_TABLES },
  { name: "004-request-log", tables: REQUEST_LOG_TABLES },
  { name: "005-flow-tables", tables: FLOW_TABLES },
  { name: "006-operations-tables", tables: OPERATIONS_TABLES },
  { name: "007-cheaper-claims", tables: CLAIM_TABLES },
  { name: "008-old-method", tables: OLD_METHOD_TABLES },
  { name: "009-shadow", tables: SHADOW_TABLES },
];
