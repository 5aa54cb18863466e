import { BLOCK_MS, MAX_VIOLATIONS } from "../limits.ts";

/** Addresses whose connections were closed for protocol violations. */
export interface MisbehavingClients {
  recordViolation(address: string): void;
  /** Whether new connections from the address are rejected for now. */
  isBlocked(address: string): boolean;
  /** Called periodically. */
  check(now: number): void;
}

/**
 * Blocks addresses that reconnect to violate the protocol again: accepting them costs more than
 * their traffic.
 */
export function createMisbehavingClients(now: () => number = () => performance.now()): MisbehavingClients {
  const violations = new Map<string, { count: number; until: number }>();
  return {
    recordViolation(address) {
      const known = violations.get(address);
      if (known === undefined || known.until < now()) {
        violations.set(address, { count: 1, until: now() + BLOCK_MS });
      } else {
        known.count += 1;
      }
    },
    isBlocked(address) {
      const known = violations.get(address);
      return known !== undefined && known.count >= MAX_VIOLATIONS && known.until > now();
    },
    check(time) {
      for (const [address, { until }] of violations) {
        if (until < time) {
          violations.delete(address);
        }
      }
    },
  };
}
