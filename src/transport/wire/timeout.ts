import { MAX_TIMEOUT_MS } from "../limits.ts";

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** What a header `grpc-timeout` says, in milliseconds; undefined for one that says nothing. */
export function parseGrpcTimeout(header: string): number | undefined {
  const [, amount, unit = ""] = TIMEOUT.exec(header) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 1);
}

/** Node's timers go no further: longer ones end at once. So long a deadline is as good as none. */
export const exceedsTimerLimit = (ms: number): boolean => ms > MAX_TIMEOUT_MS;
