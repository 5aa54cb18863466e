import { literal } from "../../src/store/mysql/literals.ts";

/**
 * Duration after which a statement is assumed to wait for a lock, in milliseconds. The server's
 * table of lock waits is cached: it is refreshed only after 0.1 s without a read, by any test.
 */
const LOCK_WAIT_MS = 200;

interface RunningStatement {
  readonly id: unknown;
  readonly info: unknown;
}

/**
 * Returns a function that counts the statements that wait for locks, and is called repeatedly:
 * those that contain `text` and have been running since a call at least 0.2 s ago. How long a
 * statement has been running is known to MariaDB in milliseconds, to MySQL only in seconds.
 *
 * @param query runs a select on a connection of the server
 */
export function lockWaitCounter(
  query: (statement: string) => Promise<readonly RunningStatement[]>,
  text: string,
): () => Promise<number> {
  let since = new Map<string, number>();
  return async () => {
    const running = await query(
      "select id as id, info as info from information_schema.processlist" +
        ` where id <> connection_id() and command = 'Query' and info like ${literal(`%${text}%`)}`,
    );
    const now = performance.now();
    since = new Map(
      running.map(({ id, info }) => {
        const key = `${id} ${info}`;
        return [key, since.get(key) ?? now];
      }),
    );
    return [...since.values()].filter((time) => now - time > LOCK_WAIT_MS).length;
  };
}
