import { type Connection, createConnection, type QueryError } from "mysql2";
import { connectionOptions, SESSION_SETTINGS } from "../mysql/connection-options.ts";
import type { Location } from "../mysql/database.ts";
import { classifyFailure } from "../mysql/failures.ts";

/** How long one round trip may take, in milliseconds: a server that hangs counts as away. Longer than any lock wait. */
const ROUND_TRIP_TIMEOUT_MS = 10_000;

/** The rows that a `select` gives. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/** One connection of a lane's own, used by one batch at a time. */
export interface Session {
  /**
   * Sends statements in one round trip, and gives the rows of each `select` among them; the first one that fails ends the rest, and
   * leaves the transaction open.
   */
  send(statements: readonly string[]): Promise<readonly Rows[]>;
  /** The connection is gone: open another one. */
  isLost(): boolean;
  destroy(): void;
}

/** Opens a connection that takes several statements at a time; no other connection of this process does. */
export async function openSession(location: Location): Promise<Session> {
  const connection = createConnection({
    ...connectionOptions(location),
    typeCast: true,
    multipleStatements: true,
    // Statements have no placeholders: the driver need not search them for some.
    queryFormat: (sql) => sql,
  });
  let lost = false;
  // Errors come through the statement under way; between two of them there is nobody to tell.
  connection.on("error", () => {
    lost = true;
  });
  let join = inTurn;
  const session: Session = {
    async send(statements) {
      try {
        return await query(connection, statements.length === 1 ? (statements[0] as string) : join(statements));
      } catch (error) {
        if (classifyFailure(error) === "lost") {
          lost = true;
          connection.destroy();
        }
        throw error;
      }
    },
    isLost: () => lost,
    destroy: () => connection.destroy(),
  };
  const [version] = await session.send([...SESSION_SETTINGS, "select version() as version"]);
  if (/mariadb/i.test(String(version?.[0]?.version))) {
    join = asBlock;
  }
  return session;
}

const inTurn = (statements: readonly string[]) => statements.join(";");

/**
 * MariaDB runs a block without a procedure around it, and answers when it ends. MySQL has no such thing and answers each statement,
 * which wakes this process as many times: a third of what a batch costs it.
 */
const asBlock = (statements: readonly string[]) => `begin not atomic ${statements.join(";")}; end`;

function query(connection: Connection, sql: string): Promise<readonly Rows[]> {
  return new Promise((resolve, reject) => {
    connection.query(
      { sql, timeout: ROUND_TRIP_TIMEOUT_MS },
      (error: QueryError | null, results: unknown, fields: unknown) => {
        if (error !== null) {
          reject(error);
        } else {
          resolve(rowSets(results, fields));
        }
      },
    );
  });
}

/** The driver gives the rows of a lone `select` bare, else a list with a place for each answer; only in the second case fields are lists. */
function rowSets(results: unknown, fields: unknown): readonly Rows[] {
  if (!Array.isArray(results)) {
    return [];
  }
  const isLone = Array.isArray(fields) && fields[0] !== undefined && !Array.isArray(fields[0]);
  return isLone ? [results] : results.filter((result) => Array.isArray(result));
}

/** Rows, as whoever wrote the `select` knows them. */
export function rowsOf<Row>(rows: Rows | undefined): readonly Row[] {
  return (rows ?? []) as readonly Row[];
}
