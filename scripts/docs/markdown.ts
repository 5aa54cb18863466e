/** Reads Markdown: headings, links, code. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** All documents in git, with their text. */
export function documents(): { readonly file: string; readonly text: string }[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = listed.split("\0").filter((file) => file !== "");
  return files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}

export interface CodeBlock {
  /** The word behind the opening fence; empty where there is none. */
  readonly language: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The fenced code blocks of a document, without the indentation of the fence. */
export function codeBlocks(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { indent: string; language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^(\s*)```(\w*)/.exec(line);
    if (fence === null) {
      open?.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    } else if (open === undefined) {
      open = { indent: fence[1] ?? "", language: fence[2] ?? "", line: index + 1, lines: [] };
    } else {
      blocks.push({ language: open.language, line: open.line, code: open.lines.join("\n") });
      open = undefined;
    }
  }
  return blocks;
}

/** The text with blank lines in place of code blocks. */
export function withoutCodeBlocks(text: string): string {
  return text.replace(/^(\s*)```[\s\S]*?^\s*```$/gm, (block) => "\n".repeat(block.split("\n").length - 1));
}

/** The targets of links to a heading, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutCodeBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) => title);
  const anchors = new Set<string>();
  for (const title of headings) {
    const anchor = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count += 1) {
      unique = `${anchor}-${count}`;
    }
    anchors.add(unique);
  }
  return anchors;
}
