import { STATES } from "../../domain/state-machine.ts";
import type { Identity } from "./identity.ts";
import type { PermissionTable, Role } from "./permission-table.ts";

/** What a caller may do, by all its roles together. */
export interface Permissions {
  /** Whether it may call that RPC, `Service/Rpc`; `metrics` is the page of that name. */
  canCall(rpc: string): boolean;
  /** The states that it may report, by their codes. */
  readonly reportableStatuses: ReadonlySet<number>;
}

/** The roles of a caller: those that the table gives it, else those of its token, else the one of its own name. */
export function rolesOf({ callers }: PermissionTable, name: string, tokenRoles: readonly string[]): readonly string[] {
  const given = Object.hasOwn(callers, name) ? callers[name] : undefined;
  return given ?? (tokenRoles.length > 0 ? tokenRoles : [name]);
}

/** Works out a table's rights; who has the same roles shares them. */
export function createPermissions(table: PermissionTable): (identity: Pick<Identity, "roles">) => Permissions {
  const known = new Map<string, Permissions>();
  return ({ roles }) => {
    const key = roles.join("\n");
    let rights = known.get(key);
    if (rights === undefined) {
      rights = rightsOf(roles.flatMap((role) => (Object.hasOwn(table.roles, role) ? (table.roles[role] ?? []) : [])));
      // Roles come from tokens too, and each combination would stay.
      if (known.size < MAX_COMBINATIONS) {
        known.set(key, rights);
      }
    }
    return rights;
  };
}

const MAX_COMBINATIONS = 1_000;

function rightsOf(roles: readonly Role[]): Permissions {
  const rpcs = new Set(roles.flatMap((role) => role.rpcs));
  const states = STATES.filter(({ name, reportedBy }) =>
    roles.some(
      ({ reportsAs = [], reports = [] }) => reports.includes(name) || reportedBy.some((who) => reportsAs.includes(who)),
    ),
  );
  return {
    canCall: (rpc) => rpcs.has(rpc) || rpcs.has("*") || rpcs.has(rpc.replace(/\/.*/, "/*")),
    reportableStatuses: new Set(states.map(({ code }) => code)),
  };
}
