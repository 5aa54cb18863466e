import { z } from "zod";
import { type Reporter, STATES, type StatusName } from "../../domain/state-machine.ts";

/** What a role may do. */
export interface Role {
  /** RPCs as `Service/Rpc`, `Service/*` or `*`; `metrics` is the page of that name. */
  readonly rpcs: readonly string[];
  /** It may report every state that these tell of. */
  readonly reportsAs?: readonly Reporter[] | undefined;
  /** And these states besides. */
  readonly reports?: readonly StatusName[] | undefined;
}

/** Who may do what: roles, and which callers have which. */
export interface PermissionTable {
  readonly roles: Readonly<Record<string, Role>>;
  /** A caller that is not here has the roles of its token, or else the role of its own name. */
  readonly callers: Readonly<Record<string, readonly string[]>>;
}

const REPORTERS = [...new Set(STATES.flatMap(({ reportedBy }) => reportedBy))] as [Reporter, ...Reporter[]];
const STATE_NAMES = STATES.map(({ name }) => name) as [StatusName, ...StatusName[]];

/**
 * Reads a table of rights.
 *
 * @param rpcs all that there are, as `Service/Rpc`
 * @throws Error that names each place that is wrong, and what would be right
 */
export function parsePermissionTable(text: string, rpcs: readonly string[]): PermissionTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is no JSON: ${(error as Error).message}`);
  }
  const read = schemaOf(rpcs).safeParse(value);
  if (!read.success) {
    throw new Error(
      read.error.issues.map(({ path, message }) => `${path.join(".") || "the table"}: ${message}`).join("; "),
    );
  }
  return read.data;
}

function schemaOf(rpcs: readonly string[]) {
  const services = new Set(rpcs.map((rpc) => rpc.replace(/\/.*/, "/*")));
  const known = new Set([...rpcs, ...services, "*", "metrics"]);
  const role = z.strictObject({
    rpcs: z.array(
      z.string().refine((rpc) => known.has(rpc), {
        error: ({ input }) =>
          `there is no RPC ${JSON.stringify(input)}; right would be like ${rpcs[0]}, ${[...services][0]}, * or metrics`,
      }),
    ),
    reportsAs: z.array(z.enum(REPORTERS)).optional(),
    reports: z.array(z.enum(STATE_NAMES)).optional(),
  });
  return z
    .strictObject({
      roles: z.record(z.string().min(1), role),
      callers: z.record(z.string().min(1), z.array(z.string())).default({}),
    })
    .superRefine(({ roles, callers }, context) => {
      for (const [caller, names] of Object.entries(callers)) {
        for (const name of names.filter((one) => !Object.hasOwn(roles, one))) {
          const message = `there is no role ${JSON.stringify(name)}; there are ${Object.keys(roles).join(", ")}`;
          context.addIssue({ code: "custom", path: ["callers", caller], message });
        }
      }
    });
}
