/** JSON without loss of digits: order ids exceed the integers that a JavaScript number holds. */

/**
 * Parses JSON. An integer beyond the safe integers of JavaScript becomes a bigint, unless it has
 * more than 64 digits. Takes several times as long as JSON.parse.
 *
 * @throws SyntaxError for invalid JSON
 */
export function readExactIntegers(text: string): unknown {
  return JSON.parse(
    text,
    exactNumbers((_source, rounded) => rounded),
  );
}

/**
 * Parses JSON likewise; such a number in any other notation (1e30), or with more digits, stays
 * text.
 *
 * @returns undefined for invalid JSON
 */
export function parseLosslessJson(text: string): unknown {
  try {
    return JSON.parse(
      text,
      exactNumbers((source) => source),
    );
  } catch {
    return undefined;
  }
}

/**
 * Maximum digits of an exact integer: 64 bits need 19. The time to read one grows with the square
 * of its digits.
 */
const MAX_DIGITS = 64;

const INTEGER = new RegExp(`^-?\\d{1,${MAX_DIGITS}}$`);

function exactNumbers(otherNotation: (source: string, rounded: number) => unknown) {
  return (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
      return value;
    }
    const source = context?.source as string;
    return INTEGER.test(source) ? BigInt(source) : otherNotation(source, value);
  };
}

/**
 * The first member name that occurs twice in an object. JSON.parse keeps the last of them.
 *
 * @param text valid JSON
 * @param value the parsed text
 */
export function findDuplicateName(text: string, value: unknown): string | undefined {
  // Counting is cheaper than following the structure: outside strings, each member has one colon.
  const members = text.replace(STRING, "").split(":").length - 1;
  return members === countMembers(value) ? undefined : firstDuplicate(text);
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

/** Without recursion, as JSON may be nested more deeply than the stack. */
function countMembers(value: unknown): number {
  let count = 0;
  const open = [value];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part === "object" && part !== null) {
      const parts = Object.values(part);
      count += Array.isArray(part) ? 0 : parts.length;
      for (const inner of parts) {
        if (typeof inner === "object") {
          open.push(inner);
        }
      }
    }
  }
  return count;
}

/** Follows the structure of the text. */
function firstDuplicate(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === "{") {
      open.push(new Set());
    } else if (token === "}") {
      open.pop();
    } else if (name !== undefined) {
      const names = open.at(-1);
      const plain = JSON.parse(name) as string;
      if (names?.has(plain) === true) {
        return plain;
      }
      names?.add(plain);
    }
  }
  return undefined;
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
  if (!/^\s*[[{]/.test(text)) {
    return undefined;
  }
  try {
    return JSON.parse(text, toTree);
  } catch {
    return undefined;
  }
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
