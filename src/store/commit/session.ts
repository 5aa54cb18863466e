import { type Connection, createConnection, type FieldPacket, type QueryError } from "mysql2";
import { toBigInts } from "../mysql/bigints.ts";
import { connectionOptions, SESSION_SETTINGS } from "../mysql/connection-options.ts";
import type { Location } from "../mysql/database.ts";
import { classifyFailure } from "../mysql/errors.ts";
import type { Rows } from "../mysql/read.ts";

/**
 * Timeout of a round trip, in ms, after which the connection counts as lost. Longer than any lock
 * wait.
 */
const ROUND_TRIP_TIMEOUT_MS = 10_000;

/** A lane's own connection, used by one batch at a time. */
export interface Session {
  /**
   * Sends statements in one round trip and returns the rows of each `select` among them. The first
   * failing statement skips the rest and leaves the transaction open.
   */
  send(statements: readonly string[]): Promise<readonly Rows[]>;
  /** Whether the connection is lost and another one has to be opened. */
  isLost(): boolean;
  destroy(): void;
}

/**
 * Opens a connection that accepts several statements at a time, unlike all others of this process.
 */
export async function openSession(location: Location): Promise<Session> {
  const connection = createConnection({
    ...connectionOptions(location),
    typeCast: true,
    multipleStatements: true,
    // Statements have no placeholders to search for.
    queryFormat: (sql) => sql,
  });
  let lost = false;
  // A running statement rejects with the error; between statements only the state is kept.
  connection.on("error", () => {
    lost = true;
  });
  let join = asList;
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

const asList = (statements: readonly string[]) => statements.join(";");

/**
 * MariaDB runs a block and answers once. MySQL has no blocks outside procedures and answers each
 * statement, which wakes this process as many times: a third of the cost of a batch.
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

/**
 * The driver returns the rows of a lone `select` bare, otherwise a list with an entry for each
 * answer; only then the fields are lists too.
 */
function rowSets(results: unknown, fields: unknown): readonly Rows[] {
  if (!Array.isArray(results)) {
    return [];
  }
  const isLone = Array.isArray(fields) && fields[0] !== undefined && !Array.isArray(fields[0]);
  const [answers, answerFields] = isLone ? [[results], [fields]] : [results, fields as unknown[]];
  return answers.flatMap((answer, index) => {
    if (!Array.isArray(answer)) {
      return [];
    }
    toBigInts(answer, answerFields[index] as FieldPacket[]);
    return [answer];
  });
}

/** Rows with the type that the `select` gives them. */
export function rowsOf<Row>(rows: Rows | undefined): readonly Row[] {
  return (rows ?? []) as readonly Row[];
}
