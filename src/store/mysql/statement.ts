import type { CompiledQuery } from "kysely";
import { format } from "mysql2";

/**
 * The text of a query with its parameters in place, escaped by the driver as for the pool; for
 * connections that accept several statements at a time.
 */
export function statementText({ sql, parameters }: CompiledQuery): string {
  return parameters.length === 0 ? sql : format(sql, [...parameters] as Parameters<typeof format>[1], false, "Z");
}
