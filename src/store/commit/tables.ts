import type { Location } from "../mysql/database.ts";
import { literal } from "../mysql/literals.ts";
import { rowsOf, type Session } from "./session.ts";

/** The tables that a commit touches, as they are named and indexed on this server. */
export interface Tables {
  readonly main: string;
  readonly status: string;
  readonly history: string;
  readonly outbox: string;
  readonly ledger: string;
  readonly request: string;
  readonly mark: string;
  /**
   * Index hints: the rows of a batch are looked up one by one. Left to itself the optimizer reads a small table whole, and then
   * two lanes meet each other's locks on every row.
   */
  readonly mainIndex: string;
  readonly statusIndex: string;
  /** The distance between the ids that one insert gives out: 1, but on a cluster with several writers. */
  readonly idStep: bigint;
}

/** Old tables have what keys they have: asks which index leads to an order. */
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
    history: name("oms_status_history"),
    outbox: name("oms_outbox"),
    ledger: name("oms_action_ledger"),
    request: name("oms_request"),
    mark: name("oms_commit_mark"),
    mainIndex: hint("oms_order_main"),
    statusIndex: hint("oms_order_status"),
    idStep: BigInt(rowsOf<{ step: string }>(steps)[0]?.step ?? 1),
  };
}
