import { SYSTEM_NAMES, SYSTEM_PATHS, type SystemPath } from "../../../src/integrations/systems.ts";

/** Modes of a stub system. */
export const MODES = ["ok", "fail", "hang", "slow", "refuse", "later", "lose"] as const;

export type Mode = (typeof MODES)[number];

/**
 * A rule for the behaviour of a stub system:
 * - `fail`: answers with `status` (default 500), without executing the request;
 * - `hang`: never answers, without executing the request;
 * - `slow`: executes the request after `delayMs` (default 1,000);
 * - `refuse`: rejects permanently: 409 from the ERP's allocate (no stock), `"answer": "refused"`
 *   from the WMS's cancel, else 422; `status` overrides;
 * - `later`: the WMS's cancel answers "later"; otherwise like `ok`;
 * - `lose`: executes the request, then closes the connection without an answer;
 * - `ok`: removes earlier rules.
 */
export interface Rule {
  /** A system ("erp"), or one of its paths ("erp/allocate"). */
  readonly system: string;
  readonly mode: Mode;
  readonly status?: number;
  readonly delayMs?: number;
  readonly reason?: string;
  /** Number of requests. Default: no limit. */
  readonly times?: number;
  /** Orders it applies to. Default: all. */
  readonly orderIds?: readonly string[];
}

/** The part of a rule that applies to a request. */
export type AppliedRule = Pick<Rule, "mode" | "status" | "delayMs" | "reason">;

const OK: AppliedRule = { mode: "ok" };

/** Validates a rule of a request; returns the error, or undefined if it is valid. */
export function validateRule(rule: Partial<Record<keyof Rule, unknown>>): string | undefined {
  const { system, mode, status, delayMs, reason, times, orderIds } = rule;
  const isCount = (value: unknown, min: number, max: number) =>
    value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max);
  if (![...SYSTEM_NAMES, ...SYSTEM_PATHS].some((name) => name === system)) {
    return `system must be one of ${[...new Set([...SYSTEM_NAMES, ...SYSTEM_PATHS])].join(", ")}`;
  }
  if (!MODES.some((name) => name === mode)) {
    return `mode must be one of ${MODES.join(", ")}`;
  }
  if (!isCount(status, 200, 599)) {
    return "status must be a whole number from 200 to 599";
  }
  if (!isCount(delayMs, 0, 600_000)) {
    return "delayMs must be a whole number from 0 to 600000";
  }
  if (!isCount(times, 1, 1_000_000_000)) {
    return "times must be a whole number, 1 or more";
  }
  if (reason !== undefined && typeof reason !== "string") {
    return "reason must be a string";
  }
  if (orderIds !== undefined && !(Array.isArray(orderIds) && orderIds.every((id) => typeof id === "string"))) {
    return "orderIds must be a list of strings";
  }
  return undefined;
}

/** The active rules. The last matching rule applies. */
export function createBehaviour() {
  let rules: { rule: Rule; left: number }[] = [];
  return {
    /**
     * Adds a rule, replacing one for the same system and orders. `ok` for all orders removes all
     * rules of the system.
     */
    set(rule: Rule): void {
      const sameOrders = (other: Rule) => JSON.stringify(other.orderIds) === JSON.stringify(rule.orderIds);
      const below = (other: Rule) => other.system === rule.system || other.system.startsWith(`${rule.system}/`);
      const removesAll = rule.mode === "ok" && rule.orderIds === undefined;
      rules = rules.filter(({ rule: other }) => !(below(other) && (removesAll || sameOrders(other))));
      if (rule.mode !== "ok") {
        rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
      }
    },
    /** The behaviour for a request; counts the request. */
    apply(path: SystemPath, orderId: string): AppliedRule {
      if (rules.length === 0) {
        return OK;
      }
      const [system] = path.split("/");
      const found = rules.findLast(
        ({ rule }) => (rule.system === path || rule.system === system) && (rule.orderIds?.includes(orderId) ?? true),
      );
      if (found === undefined) {
        return OK;
      }
      found.left--;
      if (found.left <= 0) {
        rules = rules.filter((other) => other !== found);
      }
      return found.rule;
    },
    active: (): Rule[] => rules.map(({ rule, left }) => (Number.isFinite(left) ? { ...rule, times: left } : rule)),
  };
}
