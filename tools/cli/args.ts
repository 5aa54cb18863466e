import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError, Option } from "commander";

/** What every command takes. */
export interface GlobalOptions {
  readonly server: string;
  /** What is in the files, PEM. */
  readonly tlsCa?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly json?: true;
}

const INT64_MAX = 2n ** 63n - 1n;

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A page's greatest size, by the contract; also how many ids a call takes. */
export const PAGE_MAX = 1_000;

/** @throws InvalidArgumentError which says what would be right */
export function parseOrderId(text: string): bigint {
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (id <= 0n || id > INT64_MAX) {
    throw new InvalidArgumentError("An order's id is a whole number greater than 0.");
  }
  return id;
}

export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || !Number.isSafeInteger(limit)) {
    throw new InvalidArgumentError("It is a whole number greater than 0.");
  }
  return limit;
}

/** HOST:PORT, as grpc-js takes it. */
export function parseServer(text: string): string {
  if (!/^[^\s/]+:\d{1,5}$/.test(text)) {
    throw new InvalidArgumentError("It is HOST:PORT of the service's gRPC, for example 127.0.0.1:50051.");
  }
  return text;
}

/** What is in a file; nothing for no name, as a variable may be empty. */
export function parseFile(path: string): string | undefined {
  try {
    return path === "" ? undefined : readFileSync(path, "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${(error as Error).message}.`);
  }
}

/** An instant: ISO 8601 (local time where it names no zone), or how long ago: "45s", "30m", "2h", "3d", "1w"; or "now". */
export function parseTime(text: string, now = Date.now()): Timestamp {
  const [, count, unit] = /^(\d{1,9})\s*([smhdw])$/.exec(text) ?? [];
  if (unit !== undefined) {
    return timestampFromMs(now - Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]);
  }
  if (text === "now") {
    return timestampFromMs(now);
  }
  // JavaScript takes a day alone as one of Greenwich.
  const iso = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text;
  const ms = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(iso) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(
      'It is how long ago (45s, 30m, 2h, 3d, 1w), or a time such as 2026-11-24, "2026-11-24 07:00" or 2026-11-24T07:00:00Z.',
    );
  }
  return timestampFromMs(ms);
}

/** Orders from one id to another, both included; one side may be left out. */
export interface OrderRange {
  readonly firstOrderId: bigint;
  /** 0 for no bound. */
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
    throw new InvalidArgumentError("It is a range of order ids: 100-200, 100- or -200.");
  }
  const range = {
    firstOrderId: first === "" ? 0n : parseOrderId(first),
    lastOrderId: last === "" ? 0n : parseOrderId(last),
  };
  if (range.lastOrderId !== 0n && range.firstOrderId > range.lastOrderId) {
    throw new InvalidArgumentError(`No id lies between ${first} and ${last}: the smaller one comes first.`);
  }
  return range;
}

/** For an argument or option that may come several times. */
export function collect<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

/** The person at the terminal, as the system knows them. */
function osUser(): string {
  try {
    return userInfo().username.slice(0, 64);
  } catch {
    // A container may run under a number that has no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Who asks: kept with what is done. */
export function operatorOption(): Option {
  return new Option("--operator <who>", "who does this; kept with it").default(osUser());
}
