/** JSON with whole numbers of any size: ids go beyond what a JavaScript number holds. */

/**
 * Reads JSON; a whole number that a JavaScript number cannot hold becomes a bigint, and stays a text in any other spelling (1e30).
 *
 * @returns undefined for what is no JSON
 */
export function parseLosslessJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) => {
      if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
        return value;
      }
      const source = context?.source as string;
      return /^-?\d+$/.test(source) ? BigInt(source) : source;
    });
  } catch {
    return undefined;
  }
}

// Part of the language since 2025, and not yet of the compiler's library.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** A value of JSON as it would stand in a query. */
export function paramText(value: unknown): string {
  return typeof value === "object" && value !== null ? stringifyLosslessJson(value) : String(value);
}

/** Writes JSON; a bigint as the number that it is. */
export function stringifyLosslessJson(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? rawJSON(String(part)) : part));
}
