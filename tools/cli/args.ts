import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError, Option } from "commander";
import { isDay } from "../../src/lib/time.ts";

/** Options of every command. */
export interface GlobalOptions {
  readonly server: string;
  /** Contents of the files, PEM. */
  readonly tlsCa?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly json?: true;
}

const INT64_MAX = 2n ** 63n - 1n;

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Maximum page size of the contract; also the maximum number of ids per call. */
export const PAGE_MAX = 1_000;

/** @throws InvalidArgumentError, as do the other parsers */
export function parseOrderId(text: string): bigint {
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (id <= 0n || id > INT64_MAX) {
    throw new InvalidArgumentError("An order id is a whole number greater than 0.");
  }
  return id;
}

export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || !Number.isSafeInteger(limit)) {
    throw new InvalidArgumentError("It must be a whole number greater than 0.");
  }
  return limit;
}

/** HOST:PORT. */
export function parseServer(text: string): string {
  if (!/^[^\s/]+:\d{1,5}$/.test(text)) {
    throw new InvalidArgumentError("It must be HOST:PORT of the service's gRPC listener, for example 127.0.0.1:50051.");
  }
  return text;
}

/** The contents of a file; undefined for "", because a variable may be empty. */
export function parseFile(path: string): string | undefined {
  try {
    return path === "" ? undefined : readFileSync(path, "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`The file cannot be read: ${(error as Error).message}.`);
  }
}

/** A time in ISO 8601 (local without a zone), an age ("45s", "30m", "2h", "3d", "1w") or "now". */
export function parseTime(text: string, now = Date.now()): Timestamp {
  const [, count, unit] = /^(\d{1,9})\s*([smhdw])$/.exec(text) ?? [];
  if (unit !== undefined) {
    return timestampFromMs(now - Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]);
  }
  if (text === "now") {
    return timestampFromMs(now);
  }
  // Date.parse() takes a date without a time as UTC.
  const iso = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text;
  const [, day] = /^(\d{4}-\d\d-\d\d)[T ](?:[01]\d|2[0-3]):\d\d/.exec(iso) ?? [];
  const ms = day !== undefined && isDay(day) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(
      'It must be an age (45s, 30m, 2h, 3d, 1w), or a time such as 2026-11-24, "2026-11-24 07:00" or 2026-11-24T07:00:00Z.',
    );
  }
  return timestampFromMs(ms);
}

/** A range of order ids, both bounds included. */
export interface OrderRange {
  readonly firstOrderId: bigint;
  /** 0: no upper bound. */
  readonly lastOrderId: bigint;
}

/** "100-200", "100-", "-200", or one id. */
export function parseOrderRange(text: string): OrderRange {
  const [, first = "", dash, last = ""] = /^(\d*)(-?)(\d*)$/.exec(text) ?? [];
  if (dash === "" && first !== "") {
    const id = parseOrderId(first);
    return { firstOrderId: id, lastOrderId: id };
  }
  if (dash === undefined || (first === "" && last === "")) {
    throw new InvalidArgumentError("It must be a range of order ids: 100-200, 100- or -200.");
  }
  const range = {
    firstOrderId: first === "" ? 0n : parseOrderId(first),
    lastOrderId: last === "" ? 0n : parseOrderId(last),
  };
  if (range.lastOrderId !== 0n && range.firstOrderId > range.lastOrderId) {
    throw new InvalidArgumentError(`The range ${first}-${last} is empty: the smaller id comes first.`);
  }
  return range;
}

/** Collects the values of an argument or option that may be repeated. */
export function collect<T>(parse: (text: string) => T): (text: string, previous: T[] | undefined) => T[] {
  return (text, previous = []) => [...previous, parse(text)];
}

/** The user of the operating system. */
function osUser(): string {
  try {
    return userInfo().username.slice(0, 64);
  } catch {
    // A container may run under a uid without a name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** The operator recorded with an intervention. */
export function operatorOption(): Option {
  return new Option("--operator <name>", "your name, recorded with the change").default(osUser());
}

/** Appends examples to a command's help. */
export function examples(command: Command, lines: readonly string[]): void {
  command.addHelpText("after", ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n"));
}
