import { type IdentifierNode, Kysely, type KyselyPlugin, MysqlDialect, OperationNodeTransformer } from "kysely";
import type { Database } from "../schema.ts";
import { type Clock, openClock } from "./clock.ts";
import type { ServerAddress } from "./connection-options.ts";
import { openPool } from "./pool.ts";
import { createPoolMonitor, type PoolState } from "./pool-monitor.ts";

/** Where the tables are. */
export interface Location extends ServerAddress {
  /** Before the names of the three databases; "" unless several installations share a server. */
  readonly prefix: string;
}

/** The tables, together with where they are: the committer has connections of its own. */
export interface OrderDatabase extends Kysely<Database> {
  readonly location: Location;
  /** The time that is written and compared with what others wrote. */
  readonly clock: Clock;
  /** What its connections are doing; the committer's are not among them. */
  readonly poolState: () => PoolState;
}

/** The three databases' names, without prefix. */
export const SCHEMAS = ["oms_db", "ordercancel_db", "wmsindb"] as const;

/** Opens the tables of one server; nothing is connected before the first query. Call `destroy()` at the end. */
export function openDatabase({
  url,
  ca,
  prefix = "",
  connections = 8,
}: ServerAddress & {
  readonly prefix?: string;
  /** At most so many at a time; the committer's come on top. */
  readonly connections?: number;
}): OrderDatabase {
  const watch = createPoolMonitor();
  const db = new Kysely<Database>({
    dialect: new MysqlDialect({ pool: async () => openPool({ url, ca }, connections, watch) }),
    plugins: prefix === "" ? [] : [schemaPrefix(prefix)],
  });
  return Object.assign(db, { location: { url, ca, prefix }, clock: openClock(db), poolState: watch.state });
}

/** Puts the prefix before the schema of every table, wherever one is named. */
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
