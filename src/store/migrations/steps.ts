import type { TableSpec } from "./ensure-table.ts";
import { ANSWER_TABLES, FLOW_TABLES } from "./flow-tables.ts";
import { LEGACY_TABLES } from "./legacy-tables.ts";
import { AUTHENTICATED_OPERATOR_TABLES, CHANGE_TABLES, EVENT_TABLES, REQUEST_LOG_TABLES } from "./new-tables.ts";
import {
  CLAIM_TABLES,
  LEASE_TABLES,
  LEGACY_METHOD_TABLES,
  OPERATIONS_TABLES,
  SHADOW_TABLES,
} from "./operations-tables.ts";

/** A migration. One that was interrupted runs again: it adds only what is missing. */
export interface Step {
  readonly name: string;
  readonly tables: readonly TableSpec[];
}

/** In order of execution. A released migration is never changed; new ones are appended. */
export const STEPS: readonly Step[] = [
  { name: "001-old-tables", tables: LEGACY_TABLES },
  { name: "002-change-tables", tables: CHANGE_TABLES },
  { name: "003-event-tables", tables: EVENT_TABLES },
  { name: "004-request-log", tables: REQUEST_LOG_TABLES },
  { name: "005-flow-tables", tables: FLOW_TABLES },
  { name: "006-operations-tables", tables: OPERATIONS_TABLES },
  { name: "007-cheaper-claims", tables: CLAIM_TABLES },
  { name: "008-old-method", tables: LEGACY_METHOD_TABLES },
  { name: "009-shadow", tables: SHADOW_TABLES },
  { name: "010-authenticated-operator", tables: AUTHENTICATED_OPERATOR_TABLES },
  { name: "011-leases", tables: LEASE_TABLES },
  { name: "012-wms-answers", tables: ANSWER_TABLES },
];
