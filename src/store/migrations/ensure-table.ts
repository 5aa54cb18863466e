import type { Connection, RowDataPacket } from "mysql2/promise";
import type { SCHEMAS } from "../mysql/database.ts";

/** A table as this version needs it. To an existing table only what is missing is added. */
export interface TableSpec {
  readonly schema: (typeof SCHEMAS)[number];
  readonly name: string;
  /**
   * Column definitions. In a legacy table each is nullable or has a default, as other systems
   * insert rows.
   */
  readonly columns: Readonly<Record<string, string>>;
  /** Only for a new table: a legacy table keeps its key. */
  readonly primaryKey: readonly string[];
  /** New defaults of columns that an earlier migration added; existing rows stay as they are. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Columns of the primary key that a legacy table may lack. */
  readonly keyColumns?: Readonly<Record<string, string>>;
  /** Added if no index starts with these columns. */
  readonly indexes?: readonly IndexSpec[];
  /** Columns of indexes of an earlier migration that are no longer used: dropped. */
  readonly obsoleteIndexes?: readonly (readonly string[])[];
}

export interface IndexSpec {
  readonly columns: readonly string[];
  /** On a legacy table only for new nullable columns: existing rows must satisfy it. */
  readonly unique?: boolean;
}

/** Creates a table, or adds to it what is missing. */
export async function ensureTable(
  connection: Connection,
  prefix: string,
  spec: TableSpec,
  log: (line: string) => void,
): Promise<void> {
  const schema = `${prefix}${spec.schema}`;
  const table = `\`${schema}\`.\`${spec.name}\``;
  const present = await readColumns(connection, schema, spec.name);
  if (present.size === 0) {
    await connection.query(createTable(table, spec));
    log(`created table ${schema}.${spec.name}`);
    return;
  }
  for (const [name, definition] of Object.entries(spec.columns)) {
    if (!present.has(name)) {
      await connection.query(`alter table ${table} add column \`${name}\` ${definition}`);
      log(`added column ${schema}.${spec.name}.${name}`);
    }
  }
  for (const [name, value] of Object.entries(spec.defaults ?? {})) {
    await connection.query(`alter table ${table} alter column \`${name}\` set default ${value}`);
    log(`set default of ${schema}.${spec.name}.${name}`);
  }
  const indexes = await readIndexes(connection, schema, spec.name);
  const isObsolete = (columns: readonly string[]) =>
    (spec.obsoleteIndexes ?? []).some((obsolete) => obsolete.join() === columns.join());
  const kept = indexes.filter((columns) => !isObsolete(columns));
  for (const index of spec.indexes ?? []) {
    if (!kept.some((columns) => index.columns.every((column, at) => columns[at] === column))) {
      await connection.query(`alter table ${table} add ${indexDefinition(index)}`);
      log(`added index on ${schema}.${spec.name} (${index.columns.join(", ")})`);
    }
  }
  for (const columns of indexes.filter(isObsolete)) {
    await connection.query(`alter table ${table} drop index \`${indexName(columns)}\``);
    log(`dropped index on ${schema}.${spec.name} (${columns.join(", ")})`);
  }
}

function createTable(table: string, spec: TableSpec): string {
  const parts = [
    ...Object.entries({ ...spec.keyColumns, ...spec.columns }).map(([name, definition]) => `\`${name}\` ${definition}`),
    `primary key (${spec.primaryKey.join(", ")})`,
    ...(spec.indexes ?? []).filter((index) => !startsKey(spec, index)).map(indexDefinition),
  ];
  return `create table if not exists ${table} (${parts.join(", ")}) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`;
}

function startsKey(spec: TableSpec, { columns }: IndexSpec): boolean {
  return columns.every((column, at) => spec.primaryKey[at] === column);
}

function indexDefinition({ columns, unique = false }: IndexSpec): string {
  return `${unique ? "unique " : ""}index \`${indexName(columns)}\` (${columns.join(", ")})`;
}

/** Maximum length of a name, in characters. */
const MAX_NAME_LENGTH = 64;

function indexName(columns: readonly string[]): string {
  return `by_${columns.join("_and_")}`.slice(0, MAX_NAME_LENGTH);
}

async function readColumns(connection: Connection, schema: string, table: string): Promise<Set<string>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "select lower(column_name) as name from information_schema.columns where table_schema = ? and table_name = ?",
    [schema, table],
  );
  return new Set(rows.map(({ name }) => String(name)));
}

/** Columns of each index, in their order. */
async function readIndexes(connection: Connection, schema: string, table: string): Promise<string[][]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "select index_name as name, lower(column_name) as col from information_schema.statistics" +
      " where table_schema = ? and table_name = ? order by index_name, seq_in_index",
    [schema, table],
  );
  return [...Map.groupBy(rows, ({ name }) => String(name)).values()].map((columns) =>
    columns.map(({ col }) => String(col)),
  );
}
