import type { ActionEntry } from "../../store/reads/action-entries.ts";

/** Which events of an Action; all conditions that are given must hold. */
export interface EntryFilter {
  /** The last error contains this, whatever the case; "" for any. */
  readonly errorContains: string;
  /** Committed then or later. */
  readonly fromTime: Date | undefined;
  /** Committed before. */
  readonly toTime: Date | undefined;
  readonly firstOrderId: bigint;
  /** 0 for no bound. */
  readonly lastOrderId: bigint;
}

/** Whether an event is one of these. */
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

/** The filter as people read it. */
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

/** A time as people read it, either end of which may be open. */
export function describePeriod({ fromTime, toTime }: Pick<EntryFilter, "fromTime" | "toTime">): string[] {
  return [
    ...(fromTime === undefined ? [] : [`committed at ${fromTime.toISOString()} or later`]),
    ...(toTime === undefined ? [] : [`committed before ${toTime.toISOString()}`]),
  ];
}

/** A list as people read it, cut short where it is long. */
export function describeList(what: string, items: readonly unknown[]): string {
  const shown = items.slice(0, MAX_SHOWN).join(", ");
  return items.length > MAX_SHOWN ? `${what} ${shown} and ${items.length - MAX_SHOWN} more` : `${what} ${shown}`;
}

const MAX_SHOWN = 10;
