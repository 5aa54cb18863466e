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
