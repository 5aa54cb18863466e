import { STATES } from "../../domain/state-machine.ts";
import type { Identity } from "./identity.ts";
import type { PermissionTable, Role } from "./permission-table.ts";

/** What a caller may do: the union of its roles. */
export interface Permissions {
  /** Whether it may call an RPC, `Service/Rpc`; `metrics` stands for that page. */
  canCall(rpc: string): boolean;
  /** The codes of the states that it may report. */
  readonly reportableStatuses: ReadonlySet<number>;
}

/**
 * The roles of a caller: those of the table, else those of its token, else the role of its own
 * name.
 */
export function rolesOf({ callers }: PermissionTable, name: string, tokenRoles: readonly string[]): readonly string[] {
  const assigned = Object.hasOwn(callers, name) ? callers[name] : undefined;
  return assigned ?? (tokenRoles.length > 0 ? tokenRoles : [name]);
}

/** Resolves permissions by a table; cached by combination of roles. */
export function createPermissions(table: PermissionTable): (identity: Pick<Identity, "roles">) => Permissions {
  const cache = new Map<string, Permissions>();
  return ({ roles }) => {
    const key = roles.join("\n");
    let permissions = cache.get(key);
    if (permissions === undefined) {
      permissions = union(roles.flatMap((role) => (Object.hasOwn(table.roles, role) ? (table.roles[role] ?? []) : [])));
      // Bounded, as tokens name roles too.
      if (cache.size < MAX_COMBINATIONS) {
        cache.set(key, permissions);
      }
    }
    return permissions;
  };
}

const MAX_COMBINATIONS = 1_000;

function union(roles: readonly Role[]): Permissions {
  const rpcs = new Set(roles.flatMap((role) => role.rpcs));
  const states = STATES.filter(({ name, reportedBy }) =>
    roles.some(
      ({ reportsAs = [], reports = [] }) =>
        reports.includes(name) || reportedBy.some((reporter) => reportsAs.includes(reporter)),
    ),
  );
  return {
    canCall: (rpc) => rpcs.has(rpc) || rpcs.has("*") || rpcs.has(rpc.replace(/\/.*/, "/*")),
    reportableStatuses: new Set(states.map(({ code }) => code)),
  };
}
