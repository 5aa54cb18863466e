import { isDeepStrictEqual } from "node:util";
import type { DescMessage } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { OrderStatusSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { FieldViolation } from "../../application/errors.ts";
import { isTime, TIME_EXPECTED } from "../../lib/time.ts";
import { escapeUnprintable, withoutUnprintable } from "../../observability/unprintable.ts";
import { findDuplicateName, paramText, parseLosslessJson } from "../wire/lossless-json.ts";
import { hasMoreValues } from "../wire/request-limits.ts";
import { MAX_VALUES, type Params, valuesIn } from "./params.ts";

/** A parameter of a legacy method, and the request field that it sets. */
export interface Parameter {
  readonly name: string;
  /** Alternative names. */
  readonly aliases?: readonly string[];
  readonly kind: ParameterKind;
  /** The request field by its name in the generated code. */
  readonly field: string;
  readonly required?: true;
  /** For the documentation and the WSDL. */
  readonly description: string;
}

/** The type of a parameter's text. */
export type ParameterKind = keyof typeof READERS;

/** A text is not a value of its kind; the message states what is expected. */
class InvalidTextError extends Error {}

const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2 ** 31 - 1;

function readId(text: string): bigint {
  const value = /^\s*[+-]?\d{1,19}\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, "")) : undefined;
  if (value === undefined || value > INT64_MAX || value < -INT64_MAX) {
    throw new InvalidTextError("must be a whole number of up to 64 bits");
  }
  return value;
}

function readQuantity(text: string): number {
  const value = /^\s*[+-]?\d{1,10}\s*$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(value) <= INT32_MAX)) {
    throw new InvalidTextError("must be a whole number of up to 32 bits");
  }
  return value;
}

const STATUS_CODES = OrderStatusSchema.values.map(({ number }) => number).filter((number) => number > 0);

function readStatus(text: string): number {
  const code = STATUS_CODES.find((known) => String(known) === text.trim());
  return code ?? reject(`must be one of ${STATUS_CODES.join(", ")}`);
}

function readFlag(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (!["0", "1", "false", "true"].includes(word)) {
    throw new InvalidTextError("must be 1 or 0");
  }
  return word === "1" || word === "true";
}

/**
 * Control characters and bidirectional formatting become spaces, where the RPCs reject them: a
 * legacy caller that sends a line break in a remark would not send its report again without.
 */
function readText(text: string): string {
  if (!text.isWellFormed()) {
    throw new InvalidTextError("must be text without halves of characters");
  }
  return withoutUnprintable(text);
}

function readTime(text: string) {
  return isTime(text) ? timestampFromDate(new Date(text)) : reject(TIME_EXPECTED);
}

const TOO_MANY = `must have at most ${MAX_VALUES} values`;

/** The entries of a comma-separated list; empty ones, as after a trailing comma, are ignored. */
function entriesOf(text: string): string[] {
  const entries = text.split(",", MAX_VALUES + 1);
  return entries.length > MAX_VALUES ? reject(TOO_MANY) : entries.filter((entry) => entry.trim() !== "");
}

const LINES_EXPECTED = 'must be a list like 7:2,8:0 (SKU:quantity), or JSON like [{"skuId":7,"deliveryNum":2}]';

/** SKUs with their quantities: JSON objects, or comma-separated `sku:quantity`. */
function readLines(text: string): { readonly skuId: bigint; readonly quantity: number }[] {
  if (!/^\s*[[{]/.test(text)) {
    return entriesOf(text).map((entry) => {
      const [skuId = "", quantity = "", ...more] = entry.split(":");
      return more.length === 0 ? lineOf(skuId, quantity) : reject(LINES_EXPECTED);
    });
  }
  if (hasMoreValues(Buffer.from(text), MAX_VALUES)) {
    throw new InvalidTextError(TOO_MANY);
  }
  const value = parseLosslessJson(text) ?? reject(LINES_EXPECTED);
  if (findDuplicateName(text, value) !== undefined) {
    reject(`${LINES_EXPECTED}, each name once`);
  }
  return [value].flat().map((line) => {
    const { skuId, deliveryNum } = Object(line) as Record<string, unknown>;
    return lineOf(paramText(skuId), paramText(deliveryNum));
  });
}

function lineOf(skuId: string, quantity: string) {
  try {
    return { skuId: readId(skuId), quantity: readQuantity(quantity) };
  } catch {
    return reject(LINES_EXPECTED);
  }
}

function reject(expected: string): never {
  throw new InvalidTextError(expected);
}

/** A value from exactly one text. */
const one =
  <T>(read: (text: string) => T) =>
  (texts: readonly string[]): T =>
    texts.length === 1 ? read(texts[0] as string) : reject("must be given once");

/** A list from one or more texts. */
const many =
  <T>(read: (text: string) => T[]) =>
  (texts: readonly string[]): T[] => {
    const all: T[] = [];
    for (const text of texts) {
      all.push(...read(text));
      if (all.length > MAX_VALUES) {
        throw new InvalidTextError(TOO_MANY);
      }
    }
    return all;
  };

const READERS = {
  id: one(readId),
  status: one(readStatus),
  flag: one(readFlag),
  text: one(readText),
  time: one(readTime),
  ids: many((text) => entriesOf(text).map(readId)),
  lines: many(readLines),
} as const satisfies Record<string, (texts: readonly string[]) => unknown>;

/** The request fields, and the violations by the parameters' legacy names. */
export interface ParsedParameters {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly violations: readonly FieldViolation[];
}

/** Parses all parameters. One that is given by several of its names must have one value. */
export function parseParameters(parameters: readonly Parameter[], params: Params): ParsedParameters {
  const fields: Record<string, unknown> = {};
  const violations: FieldViolation[] = [];
  for (const parameter of parameters) {
    const { name, aliases = [], kind, field, required } = parameter;
    const given = [name, ...aliases].filter((key) => valuesIn(params.get(key)).length > 0);
    const [found, ...others] = given.map((key) => valuesIn(params.get(key)));
    if (others.some((other) => !isDeepStrictEqual(other, found))) {
      violations.push({
        field: name,
        description: `must be given once, has different values in ${given.join(" and ")}`,
      });
    } else if (found !== undefined) {
      try {
        fields[field] = READERS[kind](found);
      } catch (error) {
        violations.push({ field: name, description: `${expectationIn(error)}, was ${shown(found, kind)}` });
      }
    } else if (required) {
      violations.push({ field: name, description: "is required, and was not given" });
    }
  }
  return { fields, violations };
}

function expectationIn(error: unknown): string {
  if (error instanceof InvalidTextError) {
    return error.message;
  }
  throw error;
}

/** Maximum length of a value in a message, in characters. */
const SHOWN_LENGTH = 64;

/**
 * A value for messages. Texts and mail addresses may be personal data; only their length is shown.
 */
function shown(texts: readonly string[], kind: ParameterKind): string {
  const text = texts.length === 1 ? (texts[0] as string) : texts.join(",");
  if (kind === "text" || text.includes("@")) {
    return `*** (${text.length} characters)`;
  }
  const start = escapeUnprintable(JSON.stringify(text.slice(0, SHOWN_LENGTH)));
  return text.length > SHOWN_LENGTH ? `${start}… (${text.length} characters)` : start;
}

/**
 * A violation of the contract's rules under the parameter's legacy name: `order_ids[3]` becomes
 * `orders[3]`. A field that no parameter sets keeps its name.
 */
export function withLegacyName(
  parameters: readonly Parameter[],
  input: DescMessage,
  violation: FieldViolation,
): FieldViolation {
  const [root = ""] = /^\w+/.exec(violation.field) ?? [];
  const localName = input.fields.find(({ name }) => name === root)?.localName;
  const parameter = parameters.find(({ field }) => field === localName);
  return parameter === undefined
    ? violation
    : { field: parameter.name + violation.field.slice(root.length), description: violation.description };
}
