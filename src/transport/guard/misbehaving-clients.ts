import { BARRED_MS, MAX_OFFENCES } from "../limits.ts";

/** Addresses whose connections had to be ended for what they did. */
export interface Offenders {
  note(address: string): void;
  /** Whether an address is to be left outside for now. */
  isBarred(address: string): boolean;
  /** To be called now and then. */
  look(now: number): void;
}

/** An offender that comes back as soon as it is thrown out costs the others more than what it does inside. */
export function createOffenders(now: () => number = () => performance.now()): Offenders {
  const offences = new Map<string, { count: number; until: number }>();
  return {
    note(address) {
      const known = offences.get(address);
      if (known === undefined || known.until < now()) {
        offences.set(address, { count: 1, until: now() + BARRED_MS });
      } else {
        known.count += 1;
      }
    },
    isBarred(address) {
      const known = offences.get(address);
      return known !== undefined && known.count >= MAX_OFFENCES && known.until > now();
    },
    look(time) {
      for (const [address, { until }] of offences) {
        if (until < time) {
          offences.delete(address);
        }
      }
    },
  };
}
