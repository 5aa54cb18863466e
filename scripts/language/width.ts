import type { Prose } from "./prose.ts";

/** Widest line of a comment or of a document's prose, in columns. */
export const MAX_WIDTH = 100;

/** A pragma or a link cannot be wrapped. */
const UNBREAKABLE = /biome-ignore|^\* @\w+ \{|https?:\/\/\S+$|^<!--/;

/** Numbers of the lines of a document that are prose: no table, no code block. */
function* linesOfProse(lines: readonly string[]): Generator<number> {
  let fence: string | undefined;
  for (const [index, line] of lines.entries()) {
    const [mark] = /^\s*(?:```+|~~~+)/.exec(line) ?? [];
    if (mark !== undefined) {
      fence = fence === undefined ? mark.trim() : line.trim() === fence ? undefined : fence;
    } else if (fence === undefined && !line.trimStart().startsWith("|")) {
      yield index;
    }
  }
}

/**
 * Numbers of the lines that are nothing but a comment; one behind code has the width of the code.
 */
function* linesOfComments(source: string, prose: readonly Prose[]): Generator<number> {
  for (const { text, start, kind } of prose) {
    const lineStart = source.lastIndexOf("\n", start) + 1;
    if (kind === "comment" && /^\s*(\/\/|\/\*)$/.test(source.slice(lineStart, start))) {
      const first = source.slice(0, start).split("\n").length - 1;
      yield* text.split("\n").map((_, index) => first + index);
    }
  }
}

/** Lines of comments and documents that are wider than MAX_WIDTH. */
export function wideLines(path: string, source: string, prose: readonly Prose[]): { line: number; text: string }[] {
  const lines = source.split("\n");
  const numbers = path.endsWith(".md")
    ? [...linesOfProse(lines)]
    : /\.(ts|mjs|proto)$/.test(path)
      ? [...linesOfComments(source, prose)]
      : lines.flatMap((line, index) => (/^\s*(#|--)/.test(line) ? [index] : []));
  return numbers.flatMap((index) => {
    const line = (lines[index] ?? "").trimEnd();
    const width = [...line].length;
    return width > MAX_WIDTH && !UNBREAKABLE.test(line.trim()) && /\S\s/.test(line.trim().slice(2))
      ? [{ line: index + 1, text: `${width} columns; wrap at ${MAX_WIDTH}` }]
      : [];
  });
}
