import { invalidField } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { escapeUnprintable } from "../../observability/unprintable.ts";
import { findDuplicateName, paramText, parseLosslessJson } from "../wire/lossless-json.ts";

/** A request's parameters as text by name; several texts for a repeated parameter or a list. */
export type Params = ReadonlyMap<string, readonly string[]>;

/** The query of a URL; it may contain further question marks. */
export function queryOf(url = ""): string {
  const at = url.indexOf("?");
  return at === -1 ? "" : url.slice(at + 1);
}

export function paramsFromQuery(text: string): Params {
  return groupByName(new URLSearchParams(text));
}

/** The parameters of a URL-encoded form; its percent escapes are bytes in the form's charset. */
export function paramsFromForm(text: string, charset: string): Params {
  // In UTF-16, an escaped letter is not a byte of the text.
  const decoder = new TextDecoder(/^utf-?16/i.test(charset) ? "utf-8" : charset);
  // The second byte of a multi-byte character may be an ASCII letter and appear unescaped.
  const plain = (part: string) =>
    part
      .replaceAll("+", " ")
      .replace(/[\0-\x7f]+/g, (run) => (run.includes("%") ? decoder.decode(unescapeBytes(run)) : run));
  const pairs = text.split("&").filter((pair) => pair !== "");
  return groupByName(
    pairs.map((pair): [string, string] => {
      const [name = "", ...value] = pair.split("=");
      return [plain(name), plain(value.join("="))];
    }),
  );
}

/** The bytes of an ASCII text with percent escapes; an invalid escape stays as is. */
function unescapeBytes(text: string): Buffer {
  const unescaped = text.replace(/%([\da-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(unescaped, "latin1");
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
 * @throws OperationError "invalid" for a duplicate name
 */
export function paramsFromJson(text: string): Params | undefined {
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
