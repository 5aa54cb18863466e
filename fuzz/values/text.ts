import type { Random } from "../../tools/testkit/random.ts";
import { ACTION_NAMES } from "./fixture.ts";

/** Texts that have broken programs before. Each is what a JavaScript string can hold, half characters among them. */
const ODD: readonly [string, ...string[]] = [
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

/** Texts that a caller would send. */
const USUAL: readonly [string, ...string[]] = ["wms-1", "x", "a@b.cn", "SF Express", "客户", "req-1", "req-2", "req-3"];

/** A text that a caller would send in a field of that name. */
export function typicalText(random: Random, name: string): string {
  if (name === "action") {
    return ACTION_NAMES[random.below(ACTION_NAMES.length)] ?? "";
  }
  if (name.endsWith("email")) {
    return "a@b.cn";
  }
  if (name === "page_token") {
    return "";
  }
  // So few of them that some are used twice.
  return name === "request_id" ? `r-${random.below(5_000)}` : random.pick(USUAL);
}

/** Lengths at which limits may be. */
const LENGTHS = [63, 64, 65, 127, 128, 129, 255, 256, 257, 600, 4_000] as const;

/** A text: usual, odd, long or random. */
export function anyText(random: Random): string {
  switch (random.weighted({ usual: 10, action: 3, odd: 4, long: 2, random: 2 })) {
    case "usual":
      return random.chance(0.5) ? random.pick(USUAL) : `r-${random.below(500)}`;
    case "action":
      return ACTION_NAMES[random.below(ACTION_NAMES.length)] ?? "";
    case "odd":
      return random.pick(ODD);
    case "long":
      return random.pick(["x", "药", "🧧", "\ud800", "\u0000"]).repeat(LENGTHS[random.below(LENGTHS.length)] ?? 64);
    case "random":
      return String.fromCharCode(...Array.from({ length: random.below(40) }, () => random.below(0x10000)));
  }
}
