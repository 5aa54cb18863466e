import type { DescMessage } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { OrderStatusSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { FieldViolation } from "../../application/errors.ts";
import { paramText, parseLosslessJson } from "./lossless-json.ts";
import type { Params } from "./params.ts";

/** A parameter of an old method, and the field of the RPC's request that it fills. */
export interface Parameter {
  readonly name: string;
  /** Other names under which it is taken. */
  readonly aliases?: readonly string[];
  readonly kind: ParameterKind;
  /** The field's name in the generated code. */
  readonly field: string;
  readonly required?: true;
  /** For a reader of the documentation. */
  readonly description: string;
}

/** How a parameter's text is read. */
export type ParameterKind = keyof typeof READERS;

/** Why a text is no value of its kind: what would be right. */
class Unreadable extends Error {}

const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2 ** 31 - 1;

function readId(text: string): bigint {
  const value = /^\s*[+-]?\d{1,19}\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, "")) : undefined;
  if (value === undefined || value > INT64_MAX || value < -INT64_MAX) {
    throw new Unreadable("must be a whole number of up to 64 bits");
  }
  return value;
}

function readQuantity(text: string): number {
  const value = /^\s*[+-]?\d{1,10}\s*$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(value) <= INT32_MAX)) {
    throw new Unreadable("must be a whole number of up to 32 bits");
  }
  return value;
}

const STATUS_CODES = OrderStatusSchema.values.map(({ number }) => number).filter((number) => number > 0);

function readStatus(text: string): number {
  const code = STATUS_CODES.find((known) => String(known) === text.trim());
  return code ?? giveUp(`must be one of ${STATUS_CODES.join(", ")}`);
}

function readFlag(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (!["0", "1", "false", "true"].includes(word)) {
    throw new Unreadable("must be 1 or 0");
  }
  return word === "1" || word === "true";
}

function readText(text: string): string {
  if (!text.isWellFormed()) {
    throw new Unreadable("must be text without halves of characters");
  }
  return text;
}

function readTime(text: string) {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const time = new Date(text);
  if (day === undefined || !isDay(day) || Number.isNaN(time.getTime())) {
    throw new Unreadable("must be a time with its zone, like 2024-05-01T08:30:00+08:00");
  }
  return timestampFromDate(time);
}

/** A Date takes 30 February, and makes it a day of March. */
function isDay(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** What a comma list holds; an empty entry, as after a trailing comma, is none. */
function entriesOf(text: string): string[] {
  return text.split(",").filter((entry) => entry.trim() !== "");
}

const LINES_WORDS = 'must be a list like 7:2,8:0 (SKU:quantity), or JSON like [{"skuId":7,"deliveryNum":2}]';

/** SKUs with their quantities: objects in JSON, or `sku:quantity` with commas between. */
function readLines(text: string): { readonly skuId: bigint; readonly quantity: number }[] {
  if (!/^\s*[[{]/.test(text)) {
    return entriesOf(text).map((entry) => {
      const [skuId = "", quantity = "", ...more] = entry.split(":");
      return more.length === 0 ? lineOf(skuId, quantity) : giveUp(LINES_WORDS);
    });
  }
  const value = parseLosslessJson(text) ?? giveUp(LINES_WORDS);
  return [value].flat().map((line) => {
    const { skuId, deliveryNum } = Object(line) as Record<string, unknown>;
    return lineOf(paramText(skuId), paramText(deliveryNum));
  });
}

function lineOf(skuId: string, quantity: string) {
  try {
    return { skuId: readId(skuId), quantity: readQuantity(quantity) };
  } catch {
    return giveUp(LINES_WORDS);
  }
}

function giveUp(right: string): never {
  throw new Unreadable(right);
}

/** One value, from one text. */
const one =
  <T>(read: (text: string) => T) =>
  (texts: readonly string[]): T =>
    texts.length === 1 ? read(texts[0] as string) : giveUp("must be given once");

/** A list, from one text or several. */
const many =
  <T>(read: (text: string) => T[]) =>
  (texts: readonly string[]): T[] =>
    texts.flatMap(read);

const READERS = {
  id: one(readId),
  status: one(readStatus),
  flag: one(readFlag),
  text: one(readText),
  time: one(readTime),
  ids: many((text) => entriesOf(text).map(readId)),
  lines: many(readLines),
} as const satisfies Record<string, (texts: readonly string[]) => unknown>;

/** What a caller gave, as fields of the RPC's request; or what is wrong with it, by the old names. */
export interface ParsedParameters {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly faults: readonly FieldViolation[];
}

/** Reads all parameters. An empty one counts as not given, as old bodies name them all. */
export function parseParameters(parameters: readonly Parameter[], given: Params): ParsedParameters {
  const fields: Record<string, unknown> = {};
  const faults: FieldViolation[] = [];
  for (const parameter of parameters) {
    const { name, aliases = [], kind, field, required } = parameter;
    const texts = [name, ...aliases].map((key) => (given.get(key) ?? []).filter((text) => text !== ""));
    const found = texts.find((some) => some.length > 0);
    if (found !== undefined) {
      try {
        fields[field] = READERS[kind](found);
      } catch (error) {
        faults.push({ field: name, description: `${wordsOf(error)}, was ${shown(found, kind)}` });
      }
    } else if (required) {
      faults.push({ field: name, description: "is required, and was not given" });
    }
  }
  return { fields, faults };
}

function wordsOf(error: unknown): string {
  if (error instanceof Unreadable) {
    return error.message;
  }
  throw error;
}

/** More of a value than this helps nobody, in characters. */
const SHOWN_LENGTH = 64;

/** A text may be personal data, and so may a mail address in the wrong place: how long it is says enough. */
function shown(texts: readonly string[], kind: ParameterKind): string {
  const text = texts.join(",");
  if (kind === "text" || text.includes("@")) {
    return `*** (${text.length} characters)`;
  }
  return text.length > SHOWN_LENGTH
    ? `${JSON.stringify(text.slice(0, SHOWN_LENGTH))}… (${text.length} characters)`
    : JSON.stringify(text);
}

/**
 * A fault that the contract's rules found, by the old name of what it is in: `order_ids[3]` becomes `orders[3]`, and stays what it is where no
 * parameter fills the field.
 */
export function withLegacyName(
  parameters: readonly Parameter[],
  input: DescMessage,
  fault: FieldViolation,
): FieldViolation {
  const [root = ""] = /^\w+/.exec(fault.field) ?? [];
  const localName = input.fields.find(({ name }) => name === root)?.localName;
  const parameter = parameters.find(({ field }) => field === localName);
  return parameter === undefined
    ? fault
    : { field: parameter.name + fault.field.slice(root.length), description: fault.description };
}
