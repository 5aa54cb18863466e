import { createConnection } from "mysql2/promise";
import { migrate } from "../migrations/index.ts";
import { connectionOptions } from "../mysql/connection-options.ts";
import { openDatabase, SCHEMAS } from "../mysql/database.ts";
import { migrationGrants, serviceGrants } from "./grants.ts";

/**
 * Migrates the databases of a server and grants the users of the service their privileges, as an
 * administrator does with `deploy/mysql`. For a server that is this program's own: the users exist.
 *
 * @param urls the server for its administrator, and for the user of migrations
 * @param prefix prefix of the databases' names
 * @param log receives a line for each change of the schema
 * @returns names of the migrations that were applied now
 */
export async function prepareDatabase(
  urls: { readonly administrator: string; readonly migrations: string },
  prefix: string,
  log: (line: string) => void = () => {},
): Promise<{ readonly applied: string[] }> {
  const administrator = await createConnection({
    ...connectionOptions({ url: urls.administrator }),
    multipleStatements: true,
  });
  const db = openDatabase({ url: urls.migrations, prefix });
  try {
    await administrator.query(migrationGrants(prefix, SCHEMAS).join(";"));
    const result = await migrate(db, log);
    await administrator.query(serviceGrants(prefix).join(";"));
    return result;
  } finally {
    await db.destroy();
    administrator.destroy();
  }
}
