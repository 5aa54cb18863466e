import type { Random } from "../../tools/testkit/random.ts";

/** Valid but unusual header values. */
export const UNUSUAL_VALUES: readonly [string, ...string[]] = [
  "",
  " ",
  "x",
  "0",
  "-1",
  "1e9",
  "NaN",
  "null",
  "*/*",
  "%",
  "a,b",
  "a;b=c",
  '"',
  "ÿþ",
  "x".repeat(65),
  "x".repeat(3_000),
  "\t x \t",
];

const CALL_HEADERS: readonly [string, ...string[]] = [
  "oms-caller",
  "traceparent",
  "authorization",
  "x-forwarded-for",
  "accept-encoding",
  "user-agent",
  "cookie",
  "x-bin",
  "x-text-bin",
  "oms-call-id",
  "expect",
  "origin",
];

/** One to three request headers with unusual values. */
export function unusualCallHeaders(random: Random): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const name = random.pick(CALL_HEADERS);
    const value = random.pick([
      random.pick(UNUSUAL_VALUES),
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "wms",
    ]);
    // Node's HTTP client handles other values of this header itself.
    headers[name] = name === "expect" ? "x" : name.startsWith("x-") && random.chance(0.2) ? [value, value] : value;
  }
  return headers;
}

/** A timeout in the format of Connect or gRPC, valid or nearly so. */
export function unusualTimeout(random: Random): string {
  return random.pick([
    "0",
    "1",
    "5",
    "-1",
    "1n",
    "0m",
    "1m",
    "5m",
    "1S",
    "10S",
    "1H",
    "99999999H",
    "100000000S",
    "999999999999",
    "2147483648",
    "1.5S",
    "S",
    "1x",
    " 1S",
    "0x1S",
    "",
  ]);
}
