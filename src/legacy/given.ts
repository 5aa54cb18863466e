import { parseExact, writeExact } from "./exact-json.ts";

/** What a caller gave: the texts by their parameter's name, several where it came several times or as a list. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** The parameters of a query or of a form. */
export function givenInQuery(text: string | URLSearchParams): Given {
  const given = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return given;
}

/**
 * The parameters of a body in JSON: an object.
 *
 * @returns undefined for what is none
 */
export function givenInJson(text: string): Given | undefined {
  const value = parseExact(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  return new Map(Object.entries(value).map(([name, part]) => [name, [part].flat().flatMap(textOf)]));
}

/** A value as it would stand in a query; null is none. */
function textOf(value: unknown): string[] {
  if (value === null || value === undefined) {
    return [];
  }
  return [typeof value === "object" ? writeExact(value) : String(value)];
}
