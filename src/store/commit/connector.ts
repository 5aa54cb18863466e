import type { Location } from "../mysql/database.ts";
import { DatabaseUnavailableError } from "../mysql/errors.ts";
import { literal } from "../mysql/literals.ts";
import { waitBeforeRetry } from "../mysql/transaction.ts";
import { openSession, rowsOf, type Session } from "./session.ts";

export interface Connected {
  readonly session: Session;
  readonly tables: Tables;
  /** An id in the outbox before those of all further batches of this connection. */
  lastOutboxId: bigint;
}

/** The one connection of a lane, opened on demand and reopened after it was lost. */
export interface Connector {
  /** Rejects with DatabaseUnavailableError, for any reason. */
  connect(): Promise<Connected>;
  close(): void;
}

export function createConnector(location: Location): Connector {
  let current: Connected | undefined;
  return {
    async connect() {
      if (current === undefined || current.session.isLost()) {
        current = undefined;
        try {
          const session = await openSession(location);
          const tables = await readTables(session, location);
          current = { session, tables, lastOutboxId: await readLastOutboxId(session, tables) };
        } catch (error) {
          throw new DatabaseUnavailableError(error);
        }
      }
      return current;
    },
    close() {
      current?.session.destroy();
      current = undefined;
    },
  };
}

/** Retries to connect for `limitMs`. */
export async function connectWithin(
  connector: Connector,
  limitMs: number,
): Promise<
  | { readonly kind: "connected"; readonly connected: Connected }
  | { readonly kind: "unavailable"; readonly error: unknown }
> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return { kind: "connected", connected: await connector.connect() };
    } catch (error) {
      if (performance.now() - startedAt > limitMs) {
        return { kind: "unavailable", error };
      }
      await waitBeforeRetry(Math.min(tries, 5));
    }
  }
}

/** The names and indexes of the tables that a commit touches, on this server. */
export interface Tables {
  readonly main: string;
  readonly status: string;
  readonly line: string;
  readonly detail: string;
  readonly invoice: string;
  readonly history: string;
  readonly outbox: string;
  readonly ledger: string;
  readonly request: string;
  /**
   * Index hints: the rows of a batch are looked up one by one. Without them the optimizer scans a
   * small table, and two lanes meet each other's locks on every row.
   */
  readonly mainIndex: string;
  readonly statusIndex: string;
  /** The distance between the ids of one insert: 1, but on a cluster with several writers. */
  readonly idStep: bigint;
}

/** Legacy tables have unknown keys: finds the index on order_id. */
export async function readTables(session: Session, { prefix }: Location): Promise<Tables> {
  const schema = `${prefix}oms_db`;
  const name = (table: string) => `\`${schema}\`.\`${table}\``;
  const [indexes, steps] = await session.send([
    "select table_name as t, index_name as i from information_schema.statistics where seq_in_index = 1" +
      ` and lower(column_name) = 'order_id' and table_schema = ${literal(schema)}` +
      " and table_name in ('oms_order_main', 'oms_order_status') order by non_unique, index_name",
    "select @@auto_increment_increment as step",
  ]);
  const hint = (table: string) => {
    const found = rowsOf<{ t: string; i: string }>(indexes).find(({ t }) => t.toLowerCase() === table);
    return found === undefined ? "" : `force index (\`${found.i}\`)`;
  };
  return {
    main: name("oms_order_main"),
    status: name("oms_order_status"),
    line: name("oms_order_line"),
    detail: name("oms_order_detail"),
    invoice: name("oms_order_invoice"),
    history: name("oms_status_history"),
    outbox: name("oms_outbox"),
    ledger: name("oms_action_ledger"),
    request: name("oms_request"),
    mainIndex: hint("oms_order_main"),
    statusIndex: hint("oms_order_status"),
    idStep: BigInt(rowsOf<{ step: string }>(steps)[0]?.step ?? 1),
  };
}

async function readLastOutboxId(session: Session, { outbox }: Tables): Promise<bigint> {
  const [rows] = await session.send([`select max(id) as id from ${outbox}`]);
  return BigInt(rowsOf<{ id: string | null }>(rows)[0]?.id ?? 0);
}
