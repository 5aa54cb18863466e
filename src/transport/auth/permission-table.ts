import { z } from "zod";
import { type Reporter, STATES, type StatusName } from "../../domain/state-machine.ts";
import { SCOPED_RPCS } from "./scoped-rpcs.ts";

/** What a role may do. */
export interface Role {
  /** RPCs as `Service/Rpc`, `Service/*` or `*`; `metrics` is the page of that name. */
  readonly rpcs: readonly string[];
  /** May report every state that these reporters report. */
  readonly reportsAs?: readonly Reporter[] | undefined;
  /** Further states that it may report. */
  readonly reports?: readonly StatusName[] | undefined;
  /**
   * The only sources whose orders its callers see and change, with all their roles; not given: no
   * restriction.
   */
  readonly orderSources?: readonly number[] | undefined;
}

/** Roles by caller name. */
export type Assignments = Readonly<Record<string, readonly string[]>>;

/** Roles, and the callers that they are assigned to. */
export interface PermissionTable {
  readonly roles: Readonly<Record<string, Role>>;
  /** Callers by name, with every kind of credential. Replaces the roles of a token. */
  readonly callers: Assignments;
  /** Client certificates, by the name in the certificate. */
  readonly certificates: Assignments;
  /** Legacy callers, by their name in OMS_LEGACY_CALLERS. */
  readonly legacyCallers: Assignments;
}

const ASSIGNMENTS = ["callers", "certificates", "legacyCallers"] as const;

/** Greatest value of the column order_source. */
const MAX_ORDER_SOURCE = 2_147_483_647;

const REPORTERS = [...new Set(STATES.flatMap(({ reportedBy }) => reportedBy))] as [Reporter, ...Reporter[]];
const STATE_NAMES = STATES.map(({ name }) => name) as [StatusName, ...StatusName[]];

/**
 * Parses a permission table in JSON.
 *
 * @param rpcs all RPCs, as `Service/Rpc`
 * @throws Error with the path of each invalid value, and the valid ones
 */
export function parsePermissionTable(text: string, rpcs: readonly string[]): PermissionTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`invalid JSON: ${(error as Error).message}`);
  }
  const parsed = schemaOf(rpcs).safeParse(value);
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map(({ path, message }) => `${path.join(".") || "table"}: ${message}`).join("; "),
    );
  }
  return parsed.data;
}

function schemaOf(rpcs: readonly string[]) {
  const services = new Set(rpcs.map((rpc) => rpc.replace(/\/.*/, "/*")));
  const known = new Set([...rpcs, ...services, "*", "metrics"]);
  const rpcNames = new Set(rpcs);
  const role = z
    .strictObject({
      rpcs: z.array(
        z.string().refine((rpc) => known.has(rpc), {
          error: ({ input }) =>
            `unknown RPC ${JSON.stringify(input)}; valid are for example ${rpcs[0]}, ${[...services][0]}, * and metrics`,
        }),
      ),
      reportsAs: z.array(z.enum(REPORTERS)).optional(),
      reports: z.array(z.enum(STATE_NAMES)).optional(),
      orderSources: z.array(z.int().min(1).max(MAX_ORDER_SOURCE)).min(1).optional(),
    })
    .superRefine(({ rpcs, orderSources }, context) => {
      for (const [index, rpc] of orderSources === undefined ? [] : rpcs.entries()) {
        // A wildcard stands for those of its RPCs that can be restricted.
        if (rpcNames.has(rpc) && !SCOPED_RPCS.has(rpc)) {
          const message = `${rpc} spans the orders of all sources: not possible in a role with orderSources`;
          context.addIssue({ code: "custom", path: ["rpcs", index], message });
        }
      }
    });
  const assignments = z.record(z.string().min(1), z.array(z.string())).default({});
  return z
    .strictObject({
      roles: z.record(z.string().min(1), role),
      callers: assignments,
      certificates: assignments,
      legacyCallers: assignments,
    })
    .superRefine(({ roles, ...assigned }, context) => {
      for (const section of ASSIGNMENTS) {
        for (const [caller, names] of Object.entries(assigned[section])) {
          for (const name of names.filter((role) => !Object.hasOwn(roles, role))) {
            const message = `unknown role ${JSON.stringify(name)}; defined are ${Object.keys(roles).join(", ")}`;
            context.addIssue({ code: "custom", path: [section, caller], message });
          }
        }
      }
    });
}
