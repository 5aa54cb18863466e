/** What a user may do with rows of a table. */
export type Privilege = "select" | "insert" | "update" | "delete";

/** Privileges by table, under a heading. */
interface Section {
  readonly heading: string;
  /** By `<database without prefix>.<table>`. */
  readonly tables: Readonly<Record<string, readonly Privilege[]>>;
}

const READ: readonly Privilege[] = ["select"];
const APPEND: readonly Privilege[] = ["select", "insert"];
const CHANGE: readonly Privilege[] = ["select", "insert", "update"];
const ALL: readonly Privilege[] = ["select", "insert", "update", "delete"];
const PURGE: readonly Privilege[] = ["select", "delete"];

const SERVICE: readonly Section[] = [
  {
    heading: "Orders.",
    tables: {
      "oms_db.oms_order_main": CHANGE,
      "oms_db.oms_order_status": CHANGE,
      "oms_db.oms_order_detail": APPEND,
      "oms_db.oms_order_detail_exp": CHANGE,
      "oms_db.oms_order_line": APPEND,
      "oms_db.oms_order_source": READ,
      "oms_db.oms_order_invoice": CHANGE,
      "oms_db.oms_order_delivery_main": CHANGE,
    },
  },
  {
    heading: "History and request log: rows are added, never changed or deleted.",
    tables: {
      "oms_db.oms_status_history": APPEND,
      "oms_db.oms_request": APPEND,
      "oms_db.oms_request_log": APPEND,
    },
  },
  {
    heading: "Cancels and returns.",
    tables: {
      "oms_db.oms_cancel_request": CHANGE,
      "oms_db.oms_return_request": APPEND,
      "ordercancel_db.oms_order_cancel": APPEND,
      "ordercancel_db.oms_order_cancel_flow": CHANGE,
      "ordercancel_db.oms_push_issuccess": CHANGE,
      "ordercancel_db.order_return_detail": APPEND,
    },
  },
  {
    heading: "Events, Actions and interventions.",
    tables: {
      "oms_db.oms_outbox": ALL,
      "oms_db.oms_action_ledger": CHANGE,
      "oms_db.oms_commit_mark": ALL,
      "oms_db.oms_action_switch": CHANGE,
      "oms_db.oms_action_total": CHANGE,
      "oms_db.oms_intervention": CHANGE,
      "oms_db.oms_order_status_rule": APPEND,
      "wmsindb.oms_gift_cust_record": ["select", "update"],
    },
  },
  {
    heading: "Shadow comparison (OMS_SHADOW_URL).",
    tables: {
      "oms_db.oms_shadow_total": CHANGE,
      "oms_db.oms_shadow_difference": ["select", "insert", "delete"],
    },
  },
  { heading: "Work that one server does for all.", tables: { "oms_db.oms_lease": CHANGE } },
  { heading: "Version of the schema.", tables: { "oms_db.oms_migration": READ } },
];

const RETENTION: readonly Section[] = [
  {
    heading: "Rows with a retention period.",
    tables: {
      "oms_db.oms_status_history": PURGE,
      "oms_db.oms_request": PURGE,
      "oms_db.oms_request_log": PURGE,
      "oms_db.oms_action_ledger": PURGE,
    },
  },
  {
    heading: "What shows that an order has ended.",
    tables: {
      "oms_db.oms_order_status": READ,
      "oms_db.oms_return_request": READ,
      "oms_db.oms_outbox": READ,
    },
  },
];

/** A privilege that a user requires. */
export interface RequiredPrivilege {
  readonly privilege: Privilege;
  readonly schema: string;
  readonly table: string;
}

function flatten(sections: readonly Section[]): RequiredPrivilege[] {
  return sections.flatMap(({ tables }) =>
    Object.entries(tables).flatMap(([name, privileges]) => {
      const [schema = "", table = ""] = name.split(".");
      return privileges.map((privilege) => ({ privilege, schema, table }));
    }),
  );
}

/** Privileges of the user in OMS_MYSQL_URL. */
export const SERVICE_PRIVILEGES = flatten(SERVICE);

/** Privileges of the user in OMS_RETENTION_MYSQL_URL. */
export const RETENTION_PRIVILEGES = flatten(RETENTION);

/** What the migration does with each database; it deletes nothing. */
const MIGRATE_PRIVILEGES = "create, alter, index, select, insert";

const MIGRATE_USER = "'oms_migrate'@'%'";
const SERVICE_USER = "'oms_service'@'%'";
const RETENTION_USER = "'oms_retention'@'%'";

/**
 * Statements that let the user of migrations create and migrate the databases.
 *
 * @param prefix prefix of the databases' names
 */
export function migrationGrants(prefix: string, schemas: readonly string[]): string[] {
  return schemas.map((schema) => `grant ${MIGRATE_PRIVILEGES} on \`${prefix}${schema}\`.* to ${MIGRATE_USER}`);
}

/** Statements that grant a user the privileges of the sections, each with its heading. */
function sectionGrants(sections: readonly Section[], user: string, prefix: string) {
  return sections.map(({ heading, tables }) => ({
    heading,
    statements: Object.entries(tables).map(([name, privileges]) => {
      const [schema, table] = name.split(".");
      return `grant ${privileges.join(", ")} on \`${prefix}${schema}\`.\`${table}\` to ${user}`;
    }),
  }));
}

/**
 * `select … for update` requires one of update, delete and lock tables on MySQL: this is the one
 * that changes no order.
 */
const retentionLocks = (prefix: string) => `grant lock tables on \`${prefix}oms_db\`.* to ${RETENTION_USER}`;

/**
 * Withdraws privileges that earlier versions granted to the service. Where they are not granted, as
 * on a new server, MySQL rejects a revoke without `if exists`, which MariaDB does not know: it
 * skips comments with the number of a MySQL version.
 */
const revocations = (prefix: string) =>
  ["oms_status_history", "oms_request", "oms_request_log", "oms_action_ledger"].map(
    (table) => `revoke /*!80030 if exists */ delete on \`${prefix}oms_db\`.\`${table}\` from ${SERVICE_USER}`,
  );

/**
 * Statements that grant the users of the service and of retention what they need on the migrated
 * databases.
 */
export function serviceGrants(prefix: string): string[] {
  return [
    ...sectionGrants(SERVICE, SERVICE_USER, prefix),
    ...sectionGrants(RETENTION, RETENTION_USER, prefix),
    { statements: [retentionLocks(prefix)] },
  ].flatMap(({ statements }) => statements);
}

/** The text of `deploy/mysql/grants.sql`. */
export function grantsFile(): string {
  const block = (heading: string, statements: readonly string[]) =>
    `-- ${heading}\n${statements.map((statement) => `${statement};\n`).join("")}`;
  const blocks = (sections: readonly Section[], user: string) =>
    sectionGrants(sections, user, "").map(({ heading, statements }) => block(heading, statements));
  return [
    `-- Privileges of the users of the order-status service and of its retention, by table: no schema
-- changes, no other databases. Run by the database administrator after each OMS_ROLE=migrate (see
-- users.sql); idempotent. Generated from src/store/users/grants.ts.

-- The service.
`,
    ...blocks(SERVICE, SERVICE_USER),
    block("Granted by earlier versions; now the privileges of retention.", revocations("")),
    "-- Retention (OMS_HISTORY_RETENTION_DAYS, OMS_REQUEST_LOG_RETENTION_DAYS).\n",
    ...blocks(RETENTION, RETENTION_USER),
    block(
      "Required by MySQL to lock rows (select … for update); of the privileges that permit it, the one\n-- that changes no order.",
      [retentionLocks("")],
    ),
  ].join("\n");
}
