import { invalidField, OperationError } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { escapeUnprintable } from "../../observability/unprintable.ts";
import { findDuplicateName, paramText, parseLosslessJson } from "../wire/lossless-json.ts";
import { hasMoreValues } from "../wire/request-limits.ts";

/**
 * Maximum number of values in the parameters of a request; lists have up to 1,000 entries. They are
 * counted before they are parsed.
 */
export const MAX_VALUES = 5_000;

/** A request's parameters as text by name; several texts for a repeated parameter or a list. */
export type Params = ReadonlyMap<string, readonly string[]>;

/** The values of a parameter; empty ones count as absent: legacy clients send every parameter. */
export function valuesIn(texts: readonly string[] = []): string[] {
  return texts.filter((text) => text !== "");
}

export function paramsFromQuery(text: string): Params {
  return groupByName(new URLSearchParams(text));
}

/**
 * The parameters of a URL-encoded form; its percent escapes are bytes in the form's charset.
 *
 * @throws OperationError "invalid" for more than MAX_VALUES parameters
 */
export function paramsFromForm(text: string, charset: string): Params {
  // In UTF-16, an escaped letter is not a byte of the text.
  const decoder = new TextDecoder(/^utf-?16/i.test(charset) ? "utf-8" : charset);
  // The second byte of a multi-byte character may be an ASCII letter and appear unescaped.
  const plain = (part: string) =>
    part
      .replaceAll("+", " ")
      .replace(/[\0-\x7f]+/g, (run) => (run.includes("%") ? decoder.decode(unescapeBytes(run)) : run));
  const pairs = text.split("&", MAX_VALUES + 1);
  if (pairs.length > MAX_VALUES) {
    throw new OperationError("invalid", `the form has more than ${MAX_VALUES} parameters: send less at once`);
  }
  return groupByName(
    pairs.flatMap((pair): [string, string][] => {
      const at = pair.includes("=") ? pair.indexOf("=") : pair.length;
      return pair === "" ? [] : [[plain(pair.slice(0, at)), plain(pair.slice(at + 1))]];
    }),
  );
}

const PERCENT = "%".charCodeAt(0);

/** The bytes of an ASCII text with percent escapes; an invalid escape stays as is. */
function unescapeBytes(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  let length = 0;
  for (let index = 0; index < bytes.length; index += 1, length += 1) {
    const byte = bytes[index] as number;
    const [high, low] = byte === PERCENT ? [digitOf(bytes[index + 1]), digitOf(bytes[index + 2])] : [];
    const isEscape = high !== undefined && low !== undefined;
    bytes[length] = isEscape ? high * 16 + low : byte;
    index += isEscape ? 2 : 0;
  }
  return bytes.subarray(0, length);
}

/** The value of a hexadecimal digit. */
function digitOf(byte = 0): number | undefined {
  const value = byte >= 0x61 ? byte - 0x61 + 10 : byte >= 0x41 ? byte - 0x41 + 10 : byte - 0x30;
  const isDigit = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
  return isDigit ? value : undefined;
}

function groupByName(pairs: Iterable<[string, string]>): Params {
  const params = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = params.get(name);
    if (values === undefined) {
      params.set(name, [value]);
    } else {
      values.push(value);
    }
  }
  return params;
}

/**
 * The parameters of a JSON object. A name that occurs twice in an object is an error, as a repeated
 * parameter of a form is: which value the caller means, and which one another parser takes, is
 * unknown.
 *
 * @returns undefined for anything else
 * @throws OperationError "invalid" for a duplicate name, or more than MAX_VALUES values
 */
export function paramsFromJson(text: string): Params | undefined {
  if (hasMoreValues(Buffer.from(text), MAX_VALUES)) {
    throw new OperationError("invalid", `the body has more than ${MAX_VALUES} values: send less at once`);
  }
  const value = parseLosslessJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  const duplicate = findDuplicateName(text, value);
  if (duplicate !== undefined) {
    throw invalidField(shorten(escapeUnprintable(duplicate), MAX_QUOTED_LENGTH), "must be given once");
  }
  const textsOf = (part: unknown) => [part].flat().filter((entry) => entry !== null);
  return new Map(Object.entries(value).map(([name, part]) => [name, textsOf(part).map(paramText)]));
}
