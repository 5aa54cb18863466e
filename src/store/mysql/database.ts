import { type IdentifierNode, Kysely, type KyselyPlugin, MysqlDialect, OperationNodeTransformer } from "kysely";
import type { Database } from "../schema.ts";
import { type Clock, openClock } from "./clock.ts";
import type { ServerAddress } from "./connection-options.ts";
import { openPool } from "./pool.ts";
import { createPoolMonitor, type PoolState } from "./pool-monitor.ts";

/** Location of the tables. */
export interface Location extends ServerAddress {
  /** Prefix of the three databases' names; "" unless several installations share a server. */
  readonly prefix: string;
}

/**
 * The tables, and their location for components that open connections of their own (the committer,
 * retention).
 */
export interface OrderDatabase extends Kysely<Database> {
  readonly location: Location;
  /** The time that is written, and compared with the times that other servers wrote. */
  readonly clock: Clock;
  /** State of the connection pool; the committer's connections are not part of it. */
  readonly poolState: () => PoolState;
}

/** Names of the three databases, without prefix. */
export const SCHEMAS = ["oms_db", "ordercancel_db", "wmsindb"] as const;

/** Opens the tables of a server. Connects at the first query; must be closed with `destroy()`. */
export function openDatabase({
  url,
  ca,
  password,
  prefix = "",
  connections = 8,
}: ServerAddress & {
  readonly prefix?: string;
  /** Maximum number of pooled connections; the committer's are additional. */
  readonly connections?: number;
}): OrderDatabase {
  const monitor = createPoolMonitor();
  const db = new Kysely<Database>({
    dialect: new MysqlDialect({ pool: async () => openPool({ url, ca, password }, connections, monitor) }),
    plugins: prefix === "" ? [] : [schemaPrefix(prefix)],
  });
  return Object.assign(db, { location: { url, ca, password, prefix }, clock: openClock(db), poolState: monitor.state });
}

/** Prepends the prefix to the schema of every table reference. */
function schemaPrefix(prefix: string): KyselyPlugin {
  const transformer = new (class extends OperationNodeTransformer {
    protected override transformSchemableIdentifier(
      ...[node, queryId]: Parameters<OperationNodeTransformer["transformSchemableIdentifier"]>
    ): ReturnType<OperationNodeTransformer["transformSchemableIdentifier"]> {
      const plain = super.transformSchemableIdentifier(node, queryId);
      return plain.schema === undefined ? plain : { ...plain, schema: prefixed(plain.schema) };
    }
  })();
  const prefixed = (schema: IdentifierNode): IdentifierNode => ({ ...schema, name: `${prefix}${schema.name}` });
  return {
    transformQuery: ({ node, queryId }) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }) => result,
  };
}
