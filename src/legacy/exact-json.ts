/** JSON with whole numbers of any size: ids go beyond what a JavaScript number holds. */

/**
 * Reads JSON; a whole number that a JavaScript number cannot hold becomes a bigint.
 *
 * @returns undefined for what is no JSON
 */
export function parseExact(text: string): unknown {
  try {
    return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
        ? BigInt(context?.source as string)
        : value,
    );
  } catch {
    return undefined;
  }
}

// Part of the language since 2025, and not yet of the compiler's library.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** Writes JSON; a bigint as the number that it is. */
export function writeExact(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? rawJSON(String(part)) : part));
}
