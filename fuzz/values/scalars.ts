import type { Random } from "../../tools/testkit/random.ts";

/** What exists in the service under test, so that requests get past NOT_FOUND. */
export interface Fixture {
  /** At least one. */
  readonly orderIds: readonly bigint[];
}

/** Names of existing Actions and flow steps. */
const ACTION_NAMES = [
  "third-party-notify",
  "settlement-push",
  "customer-message",
  "approve",
  "payment-timeout",
] as const;

const BOUNDARIES_64: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

const BOUNDARIES_32: readonly [number, ...number[]] = [0, 1, -1, 2, 100, 1000, 1001, 2 ** 31 - 1, -(2 ** 31)];

/** A 64-bit integer: mostly an order id, sometimes a boundary value or a random one. */
export function anyInt64(random: Random, { orderIds }: Fixture): bigint {
  switch (random.weighted({ order: 12, boundary: 2, random: 1 })) {
    case "order":
      return orderIds[random.below(orderIds.length)] ?? 1n;
    case "boundary":
      return random.pick(BOUNDARIES_64);
    case "random":
      return BigInt.asIntN(64, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)));
  }
}

/** A 32-bit integer: small, a boundary value, or random. */
export function anyInt32(random: Random): number {
  switch (random.weighted({ small: 6, boundary: 2, random: 1 })) {
    case "small":
      return random.below(10);
    case "boundary":
      return random.pick(BOUNDARIES_32);
    case "random":
      return random.below(2 ** 32) | 0;
  }
}

/** Number of items in a list: mostly few, rarely at or above a limit. */
export function anyCount(random: Random): number {
  return random.chance(0.002) ? ([999, 1_000, 1_001, 3_000][random.below(4)] ?? 1_000) : random.below(4);
}

/** Strings that often expose bugs, lone surrogates included. */
const UNUSUAL: readonly [string, ...string[]] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00\ud800",
  "x\udfff",
  "\u202eevitaler",
  "\u2066مرحبا\u2069",
  "שלום",
  "é\u0301\u0301\u0301\u0301",
  "药🧧👨‍👩‍👧",
  "\ufeffx",
  "\uffff",
  "%s%n%d",
  "%00%ff",
  "\\",
  "'; drop table oms_order_main; --",
  '"><script>',
  "{{7*7}}",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "\r\nx-injected: 1",
  "-1",
  "1e400",
  "NaN",
  "null",
  "true",
];

/** Strings that real callers send. */
const TYPICAL: readonly [string, ...string[]] = [
  "wms-1",
  "x",
  "a@b.cn",
  "SF Express",
  "客户",
  "req-1",
  "req-2",
  "req-3",
];

/** Lengths around probable limits. */
const LENGTHS = [63, 64, 65, 127, 128, 129, 255, 256, 257, 600, 4_000] as const;

/** A string as real callers send it in a field of this name. */
export function typicalText(random: Random, name: string): string {
  if (name === "action") {
    return actionName(random);
  }
  if (name.endsWith("email")) {
    return "a@b.cn";
  }
  if (name === "page_token") {
    return "";
  }
  // A small range, so that some request ids are used twice.
  return name === "request_id" ? `r-${random.below(5_000)}` : random.pick(TYPICAL);
}

/** A string: typical, unusual, long or random. May contain lone surrogates. */
export function anyText(random: Random): string {
  switch (random.weighted({ typical: 10, action: 3, unusual: 4, long: 2, random: 2 })) {
    case "typical":
      return random.chance(0.5) ? random.pick(TYPICAL) : `r-${random.below(500)}`;
    case "action":
      return actionName(random);
    case "unusual":
      return random.pick(UNUSUAL);
    case "long":
      return random.pick(["x", "药", "🧧", "\ud800", "\u0000"]).repeat(LENGTHS[random.below(LENGTHS.length)] ?? 64);
    case "random":
      return String.fromCharCode(...Array.from({ length: random.below(40) }, () => random.below(0x10000)));
  }
}

function actionName(random: Random): string {
  return ACTION_NAMES[random.below(ACTION_NAMES.length)] ?? "";
}
