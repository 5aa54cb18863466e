import { exceedsTimerLimit, parseGrpcTimeout } from "../wire/timeout.ts";

/** Takes deadlines away that no timer can hold: the library would start one all the same, and it would go off at once. */
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
