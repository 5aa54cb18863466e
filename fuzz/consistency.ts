import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";

/**
 * Queries whose rows are inconsistencies: an order or message, and two values that do not match.
 */
const CHECKS: readonly { readonly violation: string; readonly sql: string }[] = [
  {
    violation: "the version is not the number of changes, or versions have a gap",
    sql: `select s.order_id as what, s.version as a, count(h.id) as b from $oms_db.oms_order_status s
      left join $oms_db.oms_status_history h on h.order_id = s.order_id and h.outcome = 'APPLIED'
      group by s.order_id, s.version
      having s.version <> count(h.id) or s.version <> count(distinct h.version) or s.version <> coalesce(max(h.version), 0)`,
  },
  {
    violation: "the status differs from that of the last change",
    sql: `select s.order_id as what, s.order_status as a, h.to_status as b from $oms_db.oms_order_status s
      join $oms_db.oms_status_history h on h.order_id = s.order_id and h.outcome = 'APPLIED' and h.version = s.version
      where h.to_status <> s.order_status`,
  },
  {
    violation: "a change does not start at the previous change's status",
    sql: `select h.order_id as what, h.version as a, h.from_status as b from $oms_db.oms_status_history h
      join $oms_db.oms_status_history p on p.order_id = h.order_id and p.outcome = 'APPLIED' and p.version = h.version - 1
      where h.outcome = 'APPLIED' and h.from_status <> p.to_status`,
  },
  {
    violation: "a change does not have exactly one event",
    sql: `select h.order_id as what, h.version as a, count(o.id) as b from $oms_db.oms_status_history h
      left join $oms_db.oms_outbox o on o.order_id = h.order_id and o.message_id = concat(h.order_id, '-', h.version)
      where h.outcome = 'APPLIED' group by h.order_id, h.version having count(o.id) <> 1`,
  },
  {
    violation: "an event without a change",
    sql: `select o.message_id as what, o.order_id as a, 0 as b from $oms_db.oms_outbox o
      left join $oms_db.oms_status_history h
        on h.order_id = o.order_id and h.outcome = 'APPLIED' and o.message_id = concat(h.order_id, '-', h.version)
      where o.event_type = 'oms.events.v1.OrderStatusChanged' and h.id is null`,
  },
  ...dueRows("settlement-push", "h.to_status in (6010, 6020, 6030, 6040)"),
  ...dueRows("customer-message", "h.to_status in (4010, 6010)"),
  ...dueRows("gift-record", "h.to_status = 6010"),
  ...dueRows("third-party-notify", "h.to_status <> 1000 and m.order_source in (2001, 2002, 2003)"),
  {
    violation: "an order has no status row",
    sql: `select m.order_id as what, m.is_parent as a, 0 as b from $oms_db.oms_order_main m
      left join $oms_db.oms_order_status s on s.order_id = m.order_id where s.order_id is null`,
  },
];

/**
 * Changes that must have a ledger entry of this Action, by rules written independently of the
 * service.
 */
function dueRows(action: string, due: string): { violation: string; sql: string }[] {
  return [
    {
      violation: `a change has no ledger entry for ${action}`,
      sql: `select h.order_id as what, h.version as a, h.to_status as b from $oms_db.oms_status_history h
        join $oms_db.oms_order_main m on m.order_id = h.order_id
        left join $oms_db.oms_action_ledger l
          on l.order_id = h.order_id and l.action = '${action}' and l.message_id = concat(h.order_id, '-', h.version)
        where h.outcome = 'APPLIED' and ${due} and l.id is null`,
    },
  ];
}

/** Maximum number of findings reported per check. */
const MAX_REPORTED = 5;

/**
 * Checks for all orders that status, history, event and ledger entries were committed together.
 * Requires that nothing was purged from outbox and history, and that no calls are running.
 */
export async function findInconsistencies(
  url: string,
  prefix: string,
): Promise<{ readonly changes: number; readonly findings: readonly string[] }> {
  const connection: Connection = await createConnection({ uri: url, supportBigNumbers: true, bigNumberStrings: true });
  const select = async (sql: string) => {
    const [rows] = await connection.query<RowDataPacket[]>(sql.replaceAll("$", prefix));
    return rows;
  };
  const findings: string[] = [];
  for (const { violation, sql } of CHECKS) {
    const rows = await select(sql);
    findings.push(
      ...rows
        .slice(0, MAX_REPORTED)
        .map(({ what, a, b }) => `${what}: ${violation} (${a}, ${b}); ${rows.length} in total`),
    );
  }
  const [row] = await select("select count(*) as changes from $oms_db.oms_status_history where outcome = 'APPLIED'");
  await connection.end();
  return { changes: Number(row?.changes), findings };
}
