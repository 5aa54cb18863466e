import { isIPv6 } from "node:net";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { type Bucket, createBucket } from "./bucket.ts";

/**
 * Kinds of calls without an authenticated caller, and of calls that their caller may not make
 * ("permission"). Each has a limit of its own, so that the health checks of a load balancer are
 * served despite other calls from its address.
 */
export type LimitedCall = "authentication" | "permission" | "health" | "preflight" | "open";

/** One attempt to authenticate. */
export interface Attempt {
  end(succeeded: boolean): void;
}

/** Limits the calls of each address that are not authenticated, or not permitted. */
export interface AddressLimits {
  /**
   * Counts a call that needs no authentication, or is not permitted.
   *
   * @param cost how many calls of the cheapest kind it costs
   * @returns false if the address has exceeded its limit: the call is to be rejected
   */
  take(kind: Exclude<LimitedCall, "authentication">, address: string, cost?: number): boolean;
  /** Begins to authenticate a caller. Only failures count. Undefined: to be rejected unverified. */
  authenticate(address: string): Attempt | undefined;
}

/** Capacity of an address, in seconds of its rate: a few hundred clients may fail at once. */
const BURST_SECONDS = 2;

/** Maximum number of addresses with a count; the one without a call for the longest time goes. */
const MAX_ADDRESSES = 10_000;

/** Maximum concurrent attempts of one address whose outcome is not known yet. */
const MAX_PENDING = 2_048;

/** Maximum log lines per second and kind. */
const LINES_PER_SECOND = 1;

interface Entry {
  readonly bucket: Bucket;
  pending: number;
}

export interface AddressLimitsOptions {
  /** Calls per second of each kind; 0: not limited. */
  readonly perSecond: number;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "addressLimited">;
  readonly now?: () => number;
}

/** Limits addresses one by one, IPv6 addresses by their network (/64), which is one host's. */
export function createAddressLimits({
  perSecond,
  log,
  metrics: { addressLimited },
  now = () => performance.now(),
}: AddressLimitsOptions): AddressLimits {
  if (perSecond === 0) {
    return { take: () => true, authenticate: () => ({ end() {} }) };
  }
  const rate = { perSecond, burst: perSecond * BURST_SECONDS };
  const entries = new Map<string, Entry>();
  const lines = createLogLimiter(log, { message: "address exceeded its rate limit", perSecond: LINES_PER_SECOND });

  function entryOf(kind: LimitedCall, address: string): Entry {
    const key = `${kind} ${networkOf(address)}`;
    const entry = entries.get(key) ?? { bucket: createBucket(rate, now), pending: 0 };
    // Moves it to the end.
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > MAX_ADDRESSES) {
      entries.delete(entries.keys().next().value as string);
    }
    return entry;
  }

  function onRejected(kind: LimitedCall, address: string): void {
    addressLimited.inc({ kind });
    lines.write("warn", kind, () => ({ kind, address }));
  }

  return {
    take(kind, address, cost = 1) {
      const taken = entryOf(kind, address).bucket.take(Math.min(cost, rate.burst));
      if (!taken) {
        onRejected(kind, address);
      }
      return taken;
    },
    authenticate(address) {
      const entry = entryOf("authentication", address);
      if (entry.bucket.msUntil(1) > 0 || entry.pending >= MAX_PENDING) {
        onRejected("authentication", address);
        return undefined;
      }
      entry.pending += 1;
      return {
        end(succeeded) {
          entry.pending -= 1;
          if (!succeeded) {
            entry.bucket.charge(1);
          }
        },
      };
    },
  };
}

/** The first half of an IPv6 address; an IPv4 address itself. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) {
    return address;
  }
  const [start = [], end] = address.split("::", 2).map((part) => (part === "" ? [] : part.split(":")));
  const zeros = end === undefined ? [] : Array<string>(8 - start.length - end.length).fill("0");
  const groups = [...start, ...zeros, ...(end ?? [])].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
