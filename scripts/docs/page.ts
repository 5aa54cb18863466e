/**
 * A document with generated blocks, each between `<!-- generated: name -->` and `<!-- /generated
 * -->`.
 */
export interface Page {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Renders each block of the document by its name. */
  readonly blocks: Readonly<Record<string, () => string>>;
}

const BLOCK = /(<!-- generated: ([\w -]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g;

/**
 * The document with fresh blocks. Throws where it lacks a block, or has one that nothing renders.
 */
export function render({ file, blocks }: Page, text: string): string {
  const missing = new Set(Object.keys(blocks));
  const fresh = text.replace(BLOCK, (_, begin: string, name: string, end: string) => {
    const block = blocks[name];
    if (block === undefined || !missing.delete(name)) {
      throw new Error(`${file} has an unknown or repeated block "${name}"`);
    }
    return `${begin}${block().trim()}\n${end}`;
  });
  if (missing.size > 0) {
    throw new Error(`${file} lacks the block "${[...missing].join('", "')}"`);
  }
  return fresh;
}

/** A table in Markdown. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (text: string): string => `\`${text}\``;

/** Text in lines of at most 100 columns. */
export function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= 100) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.join("\n");
}
