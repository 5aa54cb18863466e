/**
 * Extracts the English of a file: comments, string literals and names of code; other files whole.
 */
import { parseSync, Visitor } from "oxc-parser";

export type ProseKind = "comment" | "string" | "name" | "text";

export interface Prose {
  readonly kind: ProseKind;
  readonly text: string;
  /** Offset of the text in the file, in UTF-16 units. */
  readonly start: number;
}

/** The words of a name in camel, snake or upper case, separated by spaces. */
function wordsOfName(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_$#]+/g, " ");
}

/**
 * Comments, string literals and names of TypeScript or JavaScript; each name once. Module
 * specifiers are left out.
 */
function proseOfCode(path: string, source: string): Prose[] {
  const { program, comments, errors } = parseSync(path, source, { lang: path.endsWith(".ts") ? "ts" : "js" });
  if (errors.length > 0) {
    throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  }
  const found: Prose[] = comments.map(({ value, start }) => ({ kind: "comment", text: value, start: start + 2 }));
  const specifiers = new Set<number>();
  const skip = ({ source }: { readonly source: { readonly start: number } | null }) => {
    if (source !== null) {
      specifiers.add(source.start);
    }
  };
  const names = new Set<string>();
  const addName = ({ name, start }: { readonly name: string; readonly start: number }) => {
    if (!names.has(name)) {
      names.add(name);
      found.push({ kind: "name", text: wordsOfName(name), start });
    }
  };
  new Visitor({
    Identifier: addName,
    PrivateIdentifier: addName,
    ImportDeclaration: skip,
    ExportNamedDeclaration: skip,
    ExportAllDeclaration: skip,
    ImportExpression: skip,
    Literal({ value, start, end }) {
      if (typeof value === "string" && !specifiers.has(start)) {
        found.push({ kind: "string", text: source.slice(start + 1, end - 1), start: start + 1 });
      }
    },
    TemplateElement({ value, start }) {
      // The span of a template element includes its delimiters.
      found.push({ kind: "string", text: value.raw, start: source.indexOf(value.raw, start) });
    },
  }).visit(program);
  return found;
}

/**
 * Comments of a Protocol Buffers file and its messages for people; field and type names are left
 * out.
 */
function proseOfProto(source: string): Prose[] {
  return [...source.matchAll(/\/\/(.*)|"((?:[^"\\]|\\.)*)"/g)].map(({ 0: whole, 1: comment, 2: literal, index }) =>
    comment === undefined
      ? { kind: "string", text: literal ?? "", start: index + 1 }
      : { kind: "comment", text: comment, start: index + whole.length - comment.length },
  );
}

/** The prose of a file. Documents, YAML, SQL and shell scripts are taken whole. */
export function proseOf(path: string, source: string): Prose[] {
  if (/\.(ts|mjs)$/.test(path)) {
    return proseOfCode(path, source);
  }
  return path.endsWith(".proto") ? proseOfProto(source) : [{ kind: "text", text: source, start: 0 }];
}
