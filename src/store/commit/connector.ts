import type { Location } from "../mysql/database.ts";
import { DatabaseUnavailableError } from "../mysql/errors.ts";
import { waitBeforeRetry } from "../mysql/transaction.ts";
import { clearMarks } from "./commit-mark.ts";
import { openSession, type Session } from "./session.ts";
import { readTables, type Tables } from "./tables.ts";

export interface Connected {
  readonly session: Session;
  readonly tables: Tables;
}

/** The one connection of a lane, opened when it is needed and again when it was lost. */
export interface Connector {
  /** Rejects with DatabaseUnavailableError, whatever the reason. */
  connect(): Promise<Connected>;
  /** Leaves nothing of the lane behind. */
  close(lane: string): Promise<void>;
}

export function createConnector(location: Location): Connector {
  let current: Connected | undefined;
  return {
    async connect() {
      if (current === undefined || current.session.isLost()) {
        current = undefined;
        try {
          const session = await openSession(location);
          current = { session, tables: await readTables(session, location) };
        } catch (error) {
          throw new DatabaseUnavailableError(error);
        }
      }
      return current;
    },
    async close(lane) {
      if (current !== undefined) {
        // It goes by itself in a day.
        await current.session.send([clearMarks(current.tables, lane)]).catch(() => {});
        current.session.destroy();
        current = undefined;
      }
    },
  };
}

/** Connects, again and again for so long. */
export async function connectWithin(
  connector: Connector,
  limitMs: number,
): Promise<
  { readonly kind: "reached"; readonly connected: Connected } | { readonly kind: "away"; readonly error: unknown }
> {
  const started = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return { kind: "reached", connected: await connector.connect() };
    } catch (error) {
      if (performance.now() - started > limitMs) {
        return { kind: "away", error };
      }
      await waitBeforeRetry(Math.min(tries, 5));
    }
  }
}
