import type { DescEnum } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { describeStatus, stateOf } from "../../src/domain/state-machine.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * Makes foreign text (an error, a reason) safe for one line of a terminal: removes control and bidi
 * characters.
 */
export function clean(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
}

/** A state with its Chinese name: "PICKING (3020) 拣货". */
export function describeState(code: number): string {
  return [describeStatus(code), stateOf(code)?.label].filter((part) => part !== undefined).join(" ");
}

/**
 * A transition: "PAID (1010) 已付款 → APPROVED (1020) 审核通过"; only the new state for a submitted order
 * (from 0).
 */
export function describeTransition(from: number, to: number): string {
  return from === 0 ? describeState(to) : `${describeState(from)} → ${describeState(to)}`;
}

/** The short name of an enum value: "RETRYING" for ACTION_STATE_RETRYING; its number if unknown. */
export function wordOf(desc: DescEnum, value: number): string {
  return desc.value[value]?.localName ?? String(value);
}

/** A time in the local time zone, "2026-11-24 07:10:46"; "" for undefined. */
export function formatTime(time: Timestamp | undefined): string {
  // The Swedish format is ISO 8601.
  return time === undefined ? "" : timestampDate(time).toLocaleString("sv-SE");
}

/** A duration in its largest unit: "45 s", "12 min", "7 h", "3 d". */
function formatSpan(ms: number): string {
  if (ms < MINUTE_MS) {
    return `${Math.round(ms / SECOND_MS)} s`;
  }
  if (ms < HOUR_MS) {
    return `${Math.floor(ms / MINUTE_MS)} min`;
  }
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / DAY_MS)} d`;
}

/** The age of a time: "7 h"; "" for undefined. A time in the future (clock skew) has age 0. */
export function formatAge(time: Timestamp | undefined, now = Date.now()): string {
  return time === undefined ? "" : formatSpan(Math.max(0, now - timestampDate(time).getTime()));
}

/** Time until something is due: "in 12 min", or "now"; "" for undefined. */
export function formatDue(time: Timestamp | undefined, now = Date.now()): string {
  if (time === undefined) {
    return "";
  }
  const ahead = timestampDate(time).getTime() - now;
  return ahead <= 0 ? "now" : `in ${formatSpan(ahead)}`;
}

/** A count with separators: "1,234,567". */
export function formatCount(count: bigint | number): string {
  return count.toLocaleString("en");
}

/** "1 event", "1,234 events". */
export function countOf(count: bigint | number, singular: string): string {
  return `${formatCount(count)} ${singular}${BigInt(count) === 1n ? "" : "s"}`;
}
