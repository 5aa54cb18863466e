import { MAX_TIMEOUT_MS } from "../limits.ts";

const GRPC_TIMEOUT = /^(\d{1,8})([HMSmun])$/;

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The value of a header `grpc-timeout` in milliseconds; undefined for a malformed one. */
export function parseGrpcTimeout(header: string): number | undefined {
  const [, amount, unit = ""] = GRPC_TIMEOUT.exec(header) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 1);
}

/** Node fires a timer beyond this limit immediately: such a deadline counts as none. */
export const exceedsTimerLimit = (ms: number): boolean => ms > MAX_TIMEOUT_MS;

/** Removes timeouts beyond Node's timer limit: Connect would start a timer for them. */
export function dropLongTimeouts(header: Headers): void {
  const connect = header.get("connect-timeout-ms");
  if (connect !== null && /^\d{1,10}$/.test(connect) && exceedsTimerLimit(Number(connect))) {
    header.delete("connect-timeout-ms");
  }
  const grpc = header.get("grpc-timeout");
  if (grpc !== null && exceedsTimerLimit(parseGrpcTimeout(grpc) ?? 0)) {
    header.delete("grpc-timeout");
  }
}
