import type { OrderScope } from "../../domain/order-scope.ts";
import { STATES } from "../../domain/state-machine.ts";
import type { Identity } from "./identity.ts";
import type { Assignments, PermissionTable, Role } from "./permission-table.ts";

/** What a caller may do: the union of its roles. */
export interface Permissions {
  /** Whether it may call an RPC, `Service/Rpc`; `metrics` stands for that page. */
  canCall(rpc: string): boolean;
  /**
   * The orders that it may see and change. One role with a restriction restricts the caller: a
   * further role must not lift it.
   */
  readonly orderScope: OrderScope;
  /** The codes of the states that it may report. */
  readonly reportableStatuses: ReadonlySet<number>;
}

const NO_ROLES: readonly string[] = [];

/**
 * The roles of a caller: those that the table assigns to its name, else those of its token. A token
 * without roles has none: the issuer decides about the roles, and its clients may choose their
 * names.
 */
export function rolesOf(
  { callers, certificates, legacyCallers }: PermissionTable,
  {
    name,
    credential,
    tokenRoles = NO_ROLES,
  }: Pick<Identity, "name" | "credential"> & { tokenRoles?: readonly string[] },
): readonly string[] {
  const assignedTo = (assignments: Assignments) => (Object.hasOwn(assignments, name) ? assignments[name] : undefined);
  const assigned = assignedTo(callers);
  if (assigned !== undefined) {
    return assigned;
  }
  switch (credential) {
    case "token":
      return tokenRoles;
    case "certificate":
      return assignedTo(certificates) ?? NO_ROLES;
    case "legacy":
      return assignedTo(legacyCallers) ?? NO_ROLES;
  }
}

/**
 * Resolves permissions by a table. Cached by the list of roles itself, of a verified token or of
 * the table: a text built from names could stand for other names.
 */
export function createPermissions(table: PermissionTable): (identity: Pick<Identity, "roles">) => Permissions {
  const cache = new WeakMap<readonly string[], Permissions>();
  return ({ roles }) => {
    let permissions = cache.get(roles);
    if (permissions === undefined) {
      permissions = union(roles.flatMap((role) => (Object.hasOwn(table.roles, role) ? (table.roles[role] ?? []) : [])));
      cache.set(roles, permissions);
    }
    return permissions;
  };
}

function union(roles: readonly Role[]): Permissions {
  const rpcs = new Set(roles.flatMap((role) => role.rpcs));
  const states = STATES.filter(({ name, reportedBy }) =>
    roles.some(
      ({ reportsAs = [], reports = [] }) =>
        reports.includes(name) || reportedBy.some((reporter) => reportsAs.includes(reporter)),
    ),
  );
  const restricted = roles.filter(({ orderSources }) => orderSources !== undefined);
  const orderScope =
    restricted.length === 0 ? undefined : new Set(restricted.flatMap(({ orderSources = [] }) => orderSources));
  return {
    orderScope,
    canCall: (rpc) => rpcs.has(rpc) || rpcs.has("*") || rpcs.has(rpc.replace(/\/.*/, "/*")),
    reportableStatuses: new Set(states.map(({ code }) => code)),
  };
}
