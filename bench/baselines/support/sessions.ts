import { openSession, type Session } from "../../../src/store/commit/session.ts";
import type { Location } from "../../../src/store/mysql/database.ts";

/**
 * Connections to the database, each used by one at a time. Those of the service's committer, as they take all statements of a round trip at
 * once: the driver's own pool waits for an answer to each.
 */
export interface Sessions {
  /** A transaction begins with the first statement, and ends with the `commit` that `work` sends. Waits for a free connection. What was left open when `work` fails is rolled back. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): void;
}

export async function openSessions(location: Location, count: number): Promise<Sessions> {
  const open = async (): Promise<Session> => {
    const session = await openSession(location);
    // A statement less for each transaction.
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

  /** A connection for the next one, after `session` met an error. */
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
