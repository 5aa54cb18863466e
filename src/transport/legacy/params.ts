import { paramText, parseLosslessJson } from "./lossless-json.ts";

/** What a caller gave: the texts by their parameter's name, several where it came several times or as a list. */
export type Params = ReadonlyMap<string, readonly string[]>;

/** An address' query, which may have further question marks in it. */
export function queryOf(url = ""): string {
  const at = url.indexOf("?");
  return at === -1 ? "" : url.slice(at + 1);
}

/** The parameters of a query. */
export function paramsFromQuery(text: string): Params {
  return gathered(new URLSearchParams(text));
}

/** The parameters of a form, whose percents stand for bytes in the form's own character set. */
export function paramsFromForm(text: string, charset: string): Params {
  // In UTF-16 not even a letter is the byte that it is in a percent.
  const decoder = new TextDecoder(/^utf-?16/i.test(charset) ? "utf-8" : charset);
  // A character's second byte may be a letter, and stand there as one.
  const plain = (part: string) =>
    part.replaceAll("+", " ").replace(/[\0-\x7f]+/g, (run) => (run.includes("%") ? decoder.decode(bytesOf(run)) : run));
  const pairs = text.split("&").filter((pair) => pair !== "");
  return gathered(
    pairs.map((pair): [string, string] => {
      const [name = "", ...value] = pair.split("=");
      return [plain(name), plain(value.join("="))];
    }),
  );
}

/** The bytes of an ASCII text, with those that stand there as percents; a percent that is none stays. */
function bytesOf(text: string): Buffer {
  const unescaped = text.replace(/%([\da-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(unescaped, "latin1");
}

function gathered(pairs: Iterable<[string, string]>): Params {
  const given = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = given.get(name);
    if (values === undefined) {
      given.set(name, [value]);
    } else {
      values.push(value);
    }
  }
  return given;
}

/**
 * The parameters of a body in JSON: an object.
 *
 * @returns undefined for what is none
 */
export function paramsFromJson(text: string): Params | undefined {
  const value = parseLosslessJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  const textsOf = (part: unknown) => [part].flat().filter((entry) => entry !== null);
  return new Map(Object.entries(value).map(([name, part]) => [name, textsOf(part).map(paramText)]));
}
