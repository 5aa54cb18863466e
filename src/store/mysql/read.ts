import type { CompiledQuery } from "kysely";

/** The rows of a `select`; BIGINT is bigint. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/** A query of a change, run under the lock of its order. */
export interface Read<T> {
  readonly query: CompiledQuery;
  /** Converts the rows: those that Kysely would return. */
  readonly convert: (rows: Rows) => T;
}

/** Makes a `Read` from a query and the conversion of its rows. */
export function readOf<Row, T>(query: CompiledQuery<Row>, convert: (rows: readonly Row[]) => T): Read<T> {
  return { query, convert: convert as unknown as (rows: Rows) => T };
}
