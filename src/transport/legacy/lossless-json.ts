/** JSON without loss of digits: order ids exceed the integers that a JavaScript number holds. */

/**
 * Parses JSON. An integer beyond a JavaScript number becomes a bigint; in any other notation
 * (1e30) it stays text.
 *
 * @returns undefined for invalid JSON
 */
export function parseLosslessJson(text: string): unknown {
  return parse(text, (_key, value, context) => {
    if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
      return value;
    }
    const source = context?.source as string;
    return /^-?\d+$/.test(source) ? BigInt(source) : source;
  });
}

// Standard since 2025, but missing in the compiler's library.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** A JSON value as a query parameter would carry it. */
export function paramText(value: unknown): string {
  return typeof value === "object" && value !== null ? stringifyLosslessJson(value) : String(value);
}

/** Serializes to JSON; a bigint as a number. */
export function stringifyLosslessJson(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? rawJSON(String(part)) : part));
}

/** A scalar JSON value; a number keeps its digits as written. */
export interface Leaf {
  readonly type: "number" | "string" | "boolean" | "null";
  readonly text: string;
}

/** A JSON value as a tree of its source texts; fields keep their order. */
export type JsonTree = Leaf | JsonTree[] | Map<string, JsonTree>;

/**
 * Parses a JSON object or list.
 *
 * @returns undefined for anything else; `3010` and `true` are plain-text answers
 */
export function parseJsonTree(text: string): JsonTree | undefined {
  return /^\s*[[{]/.test(text) ? (parse(text, toTree) as JsonTree | undefined) : undefined;
}

function toTree(_key: string, value: unknown, context?: { readonly source?: string }): JsonTree {
  const source = context?.source ?? "";
  if (Array.isArray(value)) {
    return value;
  }
  if (value === null) {
    return { type: "null", text: "null" };
  }
  switch (typeof value) {
    case "string":
      return { type: "string", text: value };
    case "number":
      return { type: "number", text: source };
    case "boolean":
      return { type: "boolean", text: source };
    default:
      return new Map(Object.entries(value as { readonly [name: string]: JsonTree }));
  }
}

function parse(
  text: string,
  revive: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
): unknown {
  try {
    return JSON.parse(text, revive);
  } catch {
    return undefined;
  }
}
