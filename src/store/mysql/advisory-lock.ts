import { type Kysely, sql } from "kysely";
import type { Database } from "../schema.ts";
import { type Location, openDatabase } from "./database.ts";
import { literal } from "./literals.ts";

/**
 * Acquires a named lock of one database server (`get_lock`). It belongs to the connection and is
 * released when that ends, however it ends. Other nodes of a cluster do not know it: it saves work,
 * and correctness must not depend on it.
 *
 * @param query runs a statement on the connection that is to hold the lock
 * @param waitSeconds time limit for the wait, in seconds; 0 does not wait
 * @returns false when another connection holds the lock
 */
export async function acquireAdvisoryLock(
  query: (statement: string) => Promise<readonly { readonly [column: string]: unknown; readonly granted?: unknown }[]>,
  name: string,
  waitSeconds: number,
): Promise<boolean> {
  const [row] = await query(`select get_lock(${literal(name)}, ${waitSeconds}) as granted`);
  return Number(row?.granted) === 1;
}

/**
 * Runs work that no other server runs at the same time, on a connection of its own, which holds the
 * lock: once the lock is lost, nothing more can be done over it.
 *
 * @returns false when another server holds the lock; then nothing was done
 */
export async function withAdvisoryLock(
  location: Location,
  name: string,
  work: (session: Kysely<Database>) => Promise<void>,
): Promise<boolean> {
  const db = openDatabase({ ...location, connections: 1 });
  try {
    return await db.connection().execute(async (session) => {
      const query = async (statement: string) =>
        (await sql<{ granted: unknown }>`${sql.raw(statement)}`.execute(session)).rows;
      if (!(await acquireAdvisoryLock(query, `${name}:${location.prefix}`, 0))) {
        return false;
      }
      await work(session);
      return true;
    });
  } finally {
    await db.destroy();
  }
}
