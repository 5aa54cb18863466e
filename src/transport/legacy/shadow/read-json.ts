/** A value of JSON that holds no others. A number's text is what was written: ids have more digits than JavaScript's numbers. */
export interface Leaf {
  readonly type: "number" | "string" | "boolean" | "null";
  readonly text: string;
}

/** A value of JSON; an object's fields stand in the order in which they were written. */
export type Json = Leaf | Json[] | Map<string, Json>;

/** @param context has the text of a value that holds no others */
function revive(_name: string, value: unknown, context?: { readonly source?: string }): Json {
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
      return new Map(Object.entries(value as { readonly [name: string]: Json }));
  }
}

/** Reads an answer's body; undefined where it is no JSON object or list: `3010` and `true` are answers in plain text. */
export function parseJsonTree(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) {
    return undefined;
  }
  try {
    return JSON.parse(text, revive);
  } catch {
    return undefined;
  }
}
