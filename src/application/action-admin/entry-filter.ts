import type { ActionEntry } from "../../store/reads/action-entries.ts";

/** Selects entries of an Action; all given conditions must hold. */
export interface EntryFilter {
  /** The last error contains this text, case-insensitive; "" for any. */
  readonly errorContains: string;
  /** Committed at this time or later. */
  readonly fromTime: Date | undefined;
  /** Committed before this time. */
  readonly toTime: Date | undefined;
  readonly firstOrderId: bigint;
  /** 0 for no limit. */
  readonly lastOrderId: bigint;
}

/** Whether an entry matches the filter. */
export function matchesFilter(filter: EntryFilter): (entry: ActionEntry) => boolean {
  const { fromTime, toTime, firstOrderId, lastOrderId } = filter;
  const text = filter.errorContains.toLowerCase();
  return ({ lastError, firstTime, orderId }) =>
    lastError.toLowerCase().includes(text) &&
    (fromTime === undefined || firstTime >= fromTime) &&
    (toTime === undefined || firstTime < toTime) &&
    orderId >= firstOrderId &&
    (lastOrderId === 0n || orderId <= lastOrderId);
}

/** Describes the filter for operators. */
export function describeFilter(filter: EntryFilter): string {
  const { errorContains, firstOrderId, lastOrderId } = filter;
  const parts = [
    ...(errorContains === "" ? [] : [`the error contains ${JSON.stringify(errorContains)}`]),
    ...describePeriod(filter),
    ...(firstOrderId === 0n ? [] : [`orders from ${firstOrderId} on`]),
    ...(lastOrderId === 0n ? [] : [`orders up to ${lastOrderId}`]),
  ];
  return parts.length === 0 ? "all" : parts.join(", ");
}

/** Describes a period for operators; either end may be open. */
export function describePeriod({ fromTime, toTime }: Pick<EntryFilter, "fromTime" | "toTime">): string[] {
  return [
    ...(fromTime === undefined ? [] : [`committed at ${fromTime.toISOString()} or later`]),
    ...(toTime === undefined ? [] : [`committed before ${toTime.toISOString()}`]),
  ];
}

/** Describes a list for operators, shortened to the first items. */
export function describeList(what: string, items: readonly unknown[]): string {
  const shown = items.slice(0, MAX_SHOWN).join(", ");
  return items.length > MAX_SHOWN ? `${what} ${shown} and ${items.length - MAX_SHOWN} more` : `${what} ${shown}`;
}

const MAX_SHOWN = 10;
