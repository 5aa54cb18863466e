import { SYSTEM_NAMES, SYSTEM_PATHS, type SystemPath } from "../../../src/integrations/systems.ts";

/** How a neighbour may behave. */
export const MODES = ["ok", "fail", "hang", "slow", "refuse", "later", "lose"] as const;

export type Mode = (typeof MODES)[number];

/**
 * An order to misbehave:
 * - `fail` answers with `status` (500), and nothing happens;
 * - `hang` never answers, and nothing happens;
 * - `slow` does what is asked after `delayMs` (1,000);
 * - `refuse` says no for good: 409 from ERP's allocate (no stock), `"answer": "refused"` from WMS's cancel, else 422; `status` overrides;
 * - `later` is WMS's cancel answer "ask me again", else the same as `ok`;
 * - `lose` does what is asked, then cuts the connection without an answer;
 * - `ok` takes back what was ordered before.
 */
export interface Rule {
  /** One of the neighbours ("erp"), or one of its paths ("erp/allocate"). */
  readonly system: string;
  readonly mode: Mode;
  readonly status?: number;
  readonly delayMs?: number;
  readonly reason?: string;
  /** For how many requests; no limit unless told. */
  readonly times?: number;
  /** For these orders only. */
  readonly orderIds?: readonly string[];
}

/** What a request is met with. */
export type AppliedRule = Pick<Rule, "mode" | "status" | "delayMs" | "reason">;

const OK: AppliedRule = { mode: "ok" };

/** Says what is wrong with an order to misbehave, as it came over the wire; undefined when it is well-formed. */
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

/** The orders to misbehave that are in force; the last one given that fits a request counts. */
export function createBehaviour() {
  let rules: { rule: Rule; left: number }[] = [];
  return {
    /** Gives an order; one for the same neighbour and orders is replaced by it. `ok` for all orders takes back every one of the neighbour's. */
    set(rule: Rule): void {
      const sameOrders = (other: Rule) => JSON.stringify(other.orderIds) === JSON.stringify(rule.orderIds);
      const below = (other: Rule) => other.system === rule.system || other.system.startsWith(`${rule.system}/`);
      const takesBackAll = rule.mode === "ok" && rule.orderIds === undefined;
      rules = rules.filter(({ rule: other }) => !(below(other) && (takesBackAll || sameOrders(other))));
      if (rule.mode !== "ok") {
        rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
      }
    },
    /** What this request is met with. Counts it. */
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
    inForce: (): Rule[] => rules.map(({ rule, left }) => (Number.isFinite(left) ? { ...rule, times: left } : rule)),
  };
}
