import type { SCHEMAS } from "../mysql/database.ts";

/** A table as this version needs it. Where it exists already, what is missing is added and nothing else touched. */
export interface TableSpec {
  readonly schema: (typeof SCHEMAS)[number];
  readonly name: string;
  /** Column definitions. In an old table each is nullable or has a default, as other systems insert rows too. */
  readonly columns: Readonly<Record<string, string>>;
  /** Only where the table is made here: an old table keeps the key it has. */
  readonly primaryKey: readonly string[];
  /** New defaults of columns that an earlier step made; rows that are there stay as they are. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Columns of the primary key that an old table need not have. */
  readonly keyColumns?: Readonly<Record<string, string>>;
  /** Added where no index starts with these columns. */
  readonly indexes?: readonly IndexSpec[];
  /** Columns of indexes that an earlier step made and nobody uses any more: dropped. */
  readonly obsoleteIndexes?: readonly (readonly string[])[];
}

export interface IndexSpec {
  readonly columns: readonly string[];
  /** On an old table only for new nullable columns: existing rows must fit. */
  readonly unique?: boolean;
}
