import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { connectionOptions } from "../mysql/connection-options.ts";
import type { Location } from "../mysql/database.ts";
import { classifyFailure, DatabaseUnavailableError, MissingPrivilegesError } from "../mysql/errors.ts";
import type { Privilege, RequiredPrivilege } from "./grants.ts";

/** Error numbers for a missing permission: on a database, a table or a column. */
const DENIED: ReadonlySet<unknown> = new Set([1044, 1142, 1143]);

/**
 * Statements that require a privilege and do nothing: they are explained, not executed. Unlike the
 * list of grants, they also see privileges by role, pattern or column.
 */
const PROBES: Readonly<Record<Privilege, (table: string, column: string) => string>> = {
  select: (table, column) => `explain select ${column} from ${table} limit 0`,
  insert: (table, column) => `explain insert into ${table} (${column}) values (default)`,
  update: (table, column) => `explain update ${table} set ${column} = ${column} where false`,
  delete: (table) => `explain delete from ${table} where false`,
};

/**
 * Checks that the user of this location has these privileges on the migrated tables.
 *
 * @throws MissingPrivilegesError with all that are missing; DatabaseUnavailableError; the driver's
 *   error if access is denied altogether
 */
export async function checkPrivileges(location: Location, required: readonly RequiredPrivilege[]): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = await createConnection(connectionOptions(location));
    const missing = await findMissing(connection, location.prefix, required);
    if (missing.length > 0) {
      throw new MissingPrivilegesError(missing);
    }
  } catch (error) {
    throw classifyFailure(error) === "lost" ? new DatabaseUnavailableError(error) : error;
  } finally {
    connection?.destroy();
  }
}

async function findMissing(
  connection: Connection,
  prefix: string,
  required: readonly RequiredPrivilege[],
): Promise<string[]> {
  const granted = await readGrants(connection);
  const toProbe = required.filter(
    ({ privilege, schema, table }) =>
      !(granted.has(privilege) || granted.has(`${privilege} on ${prefix}${schema}.${table}`.toLowerCase())),
  );
  if (toProbe.length === 0) {
    return [];
  }
  const columns = await readColumns(connection, toProbe, prefix);
  const missing: string[] = [];
  for (const { privilege, schema, table } of toProbe) {
    const name = `${prefix}${schema}.${table}`;
    const column = columns.get(name.toLowerCase());
    if (column === undefined || !(await isPermitted(connection, PROBES[privilege](quoted(name), `\`${column}\``)))) {
      missing.push(`${privilege} on ${name}`);
    }
  }
  return missing;
}

/**
 * What is granted to the user itself, on all databases ("select") or a table ("select on a.b"): one
 * query that saves most probes.
 */
async function readGrants(connection: Connection): Promise<ReadonlySet<string>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `select lower(privilege_type) as granted, grantee as grantee from information_schema.user_privileges
     union all
     select lower(concat(privilege_type, ' on ', table_schema, '.', table_name)), grantee
     from information_schema.table_privileges`,
  );
  const [[current]] = await connection.query<RowDataPacket[]>("select current_user() as account");
  const [, user, host] = /^(.*)@(.*)$/s.exec(String(current?.account)) ?? [];
  return new Set(rows.filter(({ grantee }) => grantee === `'${user}'@'${host}'`).map(({ granted }) => String(granted)));
}

const quoted = (name: string) => name.replace(/(.*)\.(.*)/, "`$1`.`$2`");

/** A column of each table, by the table's name. Tables without any privilege are not listed. */
async function readColumns(
  connection: Connection,
  required: readonly RequiredPrivilege[],
  prefix: string,
): Promise<ReadonlyMap<string, string>> {
  const schemas = [...new Set(required.map(({ schema }) => `${prefix}${schema}`))];
  const [rows] = await connection.query<RowDataPacket[]>(
    `select lower(concat(table_schema, '.', table_name)) as name, max(column_name) as first
     from information_schema.columns where table_schema in (?) and ordinal_position = 1 group by 1`,
    [schemas],
  );
  return new Map(rows.map(({ name, first }) => [String(name), String(first)]));
}

async function isPermitted(connection: Connection, statement: string): Promise<boolean> {
  try {
    await connection.query(statement);
    return true;
  } catch (error) {
    if (DENIED.has((error as { errno?: unknown }).errno)) {
      return false;
    }
    if (classifyFailure(error) === "lost") {
      throw error;
    }
    // Any other error comes after the check of privileges: a view, or a column without a default.
    return true;
  }
}
