import { openSession, type Session } from "../../../src/store/commit/session.ts";
import type { Location } from "../../../src/store/mysql/database.ts";

/**
 * A pool of database connections. Uses the sessions of the service's committer, which pipeline
 * statements, because the driver's own pool waits for the answer to each statement.
 */
export interface Sessions {
  /**
   * Waits for a free connection. The first statement starts a transaction, which `work` ends with
   * `commit`; it is rolled back when `work` fails.
   */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): void;
}

export async function openSessions(location: Location, count: number): Promise<Sessions> {
  const open = async (): Promise<Session> => {
    const session = await openSession(location);
    // Saves a statement per transaction.
    await session.send(["set autocommit = 0"]);
    return session;
  };
  const all = new Set(await Promise.all(Array.from({ length: count }, open)));
  const free = [...all];
  const waiting: ((session: Session) => void)[] = [];

  const take = (): Session | Promise<Session> => free.pop() ?? new Promise((resolve) => waiting.push(resolve));

  const giveBack = (session: Session) => {
    const next = waiting.shift();
    if (next === undefined) {
      free.push(session);
    } else {
      next(session);
    }
  };

  /** A usable connection after `session` failed. */
  const restored = async (session: Session): Promise<Session> => {
    if (!session.isLost()) {
      await session.send(["rollback"]);
      return session;
    }
    all.delete(session);
    const another = await open();
    all.add(another);
    return another;
  };

  return {
    async use(work) {
      let session = await take();
      try {
        return await work(session);
      } catch (error) {
        session = await restored(session);
        throw error;
      } finally {
        giveBack(session);
      }
    },
    close() {
      for (const session of all) {
        session.destroy();
      }
    },
  };
}
