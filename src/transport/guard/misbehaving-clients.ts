import { BLOCK_MS, MAX_VIOLATIONS } from "../limits.ts";

/** Addresses whose connections had to be ended for what they did. */
export interface MisbehavingClients {
  recordViolation(address: string): void;
  /** Whether an address is to be left outside for now. */
  isBlocked(address: string): boolean;
  /** To be called now and then. */
  check(now: number): void;
}

/** An offender that comes back as soon as it is thrown out costs the others more than what it does inside. */
export function createMisbehavingClients(now: () => number = () => performance.now()): MisbehavingClients {
  const offences = new Map<string, { count: number; until: number }>();
  return {
    recordViolation(address) {
      const known = offences.get(address);
      if (known === undefined || known.until < now()) {
        offences.set(address, { count: 1, until: now() + BLOCK_MS });
      } else {
        known.count += 1;
      }
    },
    isBlocked(address) {
      const known = offences.get(address);
      return known !== undefined && known.count >= MAX_VIOLATIONS && known.until > now();
    },
    check(time) {
      for (const [address, { until }] of offences) {
        if (until < time) {
          offences.delete(address);
        }
      }
    },
  };
}
