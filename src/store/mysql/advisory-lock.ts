import { type Kysely, sql } from "kysely";
import type { Database } from "../schema.ts";
import { type Location, openDatabase } from "./database.ts";

/**
 * Does something that no other server is doing, over a connection of its own. The right to it is a lock of the whole database server which
 * goes with that connection, whatever becomes of this process: once it is lost, nothing more can be done over it.
 *
 * @returns false where another server is at it, and nothing was done
 */
export async function withAdvisoryLock(
  location: Location,
  name: string,
  work: (session: Kysely<Database>) => Promise<void>,
): Promise<boolean> {
  const db = openDatabase({ ...location, connections: 1 });
  try {
    return await db.connection().execute(async (session) => {
      const { rows } = await sql<{
        granted: unknown;
      }>`select get_lock(${`${name}:${location.prefix}`}, 0) as granted`.execute(session);
      if (Number(rows[0]?.granted) !== 1) {
        return false;
      }
      await work(session);
      return true;
    });
  } finally {
    await db.destroy();
  }
}
