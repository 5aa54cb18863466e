import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { acquireAdvisoryLock } from "../mysql/advisory-lock.ts";
import { connectionOptions, SESSION_SETTINGS } from "../mysql/connection-options.ts";
import { type OrderDatabase, SCHEMAS } from "../mysql/database.ts";
import { classifyFailure, DatabaseUnavailableError, MigrationPermissionError } from "../mysql/errors.ts";
import { ensureTable, type TableSpec } from "./ensure-table.ts";
import { STEPS, type Step } from "./steps.ts";

/** Time limit for the wait for another server's migration, in seconds. */
const WAIT_FOR_OTHERS_SECONDS = 600;

/**
 * Time limit of an ALTER's wait for open transactions on a legacy table, in seconds: fails rather
 * than hangs.
 */
const WAIT_FOR_TABLE_SECONDS = 60;

/** Error numbers for a missing permission: on a database, a table, a column, or in general. */
const MISSING_PERMISSION: ReadonlySet<unknown> = new Set([1044, 1142, 1143, 1227]);

/** The migrations that were applied; created before the first of them. */
const MIGRATION_TABLE: TableSpec = {
  schema: "oms_db",
  name: "oms_migration",
  columns: { name: "varchar(128) not null", applied_time: "datetime(3) not null" },
  primaryKey: ["name"],
};

/**
 * Migrates the databases to this version's schema: adds what is missing, rewrites nothing. Of
 * several servers that start together one migrates, and the others wait.
 *
 * @param log receives a line for each change
 * @returns names of the migrations that were applied now
 * @throws MigrationPermissionError, DatabaseUnavailableError
 */
export async function migrate(
  { location }: OrderDatabase,
  log: (line: string) => void = () => {},
): Promise<{ readonly applied: string[] }> {
  const { prefix } = location;
  let connection: Connection | undefined;
  let pending: readonly Step[] = [];
  try {
    connection = await createConnection(connectionOptions(location));
    for (const setting of [...SESSION_SETTINGS, `set session lock_wait_timeout = ${WAIT_FOR_TABLE_SECONDS}`]) {
      await connection.query(setting);
    }
    pending = await pendingSteps(connection, prefix);
    if (pending.length === 0) {
      return { applied: [] };
    }
    await lockMigrations(connection, prefix);
    return { applied: await runSteps(connection, prefix, log) };
  } catch (error) {
    if (pending.length > 0 && MISSING_PERMISSION.has((error as { errno?: unknown } | null)?.errno)) {
      throw new MigrationPermissionError(
        pending.map(({ name }) => name),
        error,
      );
    }
    throw classifyFailure(error) === "lost" ? new DatabaseUnavailableError(error) : error;
  } finally {
    connection?.destroy();
  }
}

/** Waits until no other server migrates these databases; the lock ends with the connection. */
async function lockMigrations(connection: Connection, prefix: string): Promise<void> {
  const query = async (statement: string) => (await connection.query<RowDataPacket[]>(statement))[0];
  if (!(await acquireAdvisoryLock(query, `oms-migrate:${prefix}`, WAIT_FOR_OTHERS_SECONDS))) {
    throw new Error(`another server has been migrating this database for ${WAIT_FOR_OTHERS_SECONDS} s`);
  }
}

async function runSteps(connection: Connection, prefix: string, log: (line: string) => void): Promise<string[]> {
  await ensureSchemas(connection, prefix, log);
  await ensureTable(connection, prefix, MIGRATION_TABLE, log);
  const applied: string[] = [];
  for (const { name, tables } of await pendingSteps(connection, prefix)) {
    for (const table of tables) {
      await ensureTable(connection, prefix, table, log);
    }
    await connection.query("insert into ?? (name, applied_time) values (?, ?)", [
      `${prefix}oms_db.oms_migration`,
      name,
      new Date(),
    ]);
    applied.push(name);
  }
  return applied;
}

async function pendingSteps(connection: Connection, prefix: string) {
  const [[found]] = await connection.query<RowDataPacket[]>(
    "select 1 from information_schema.tables where table_schema = ? and table_name = 'oms_migration'",
    [`${prefix}oms_db`],
  );
  if (found === undefined) {
    return STEPS;
  }
  const [rows] = await connection.query<RowDataPacket[]>("select name from ??", [`${prefix}oms_db.oms_migration`]);
  const done = new Set(rows.map(({ name }) => String(name)));
  return STEPS.filter(({ name }) => !done.has(name));
}

/** Needs the permission to create databases only if one is missing. */
async function ensureSchemas(connection: Connection, prefix: string, log: (line: string) => void): Promise<void> {
  for (const schema of SCHEMAS) {
    const name = `${prefix}${schema}`;
    const [[found]] = await connection.query<RowDataPacket[]>(
      "select 1 from information_schema.schemata where schema_name = ?",
      [name],
    );
    if (found === undefined) {
      await connection.query("create database if not exists ?? character set utf8mb4", [name]);
      log(`created database ${name}`);
    }
  }
}
