/** A command of a shell block, with its line in the block from 0. */
export interface ShellCommand {
  readonly words: readonly string[];
  readonly line: number;
}

/** Splits a command into words as a shell does: up to its end, without quotes and comments. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [token] of line.matchAll(/(?:[^\s"'|;&#>]|"[^"]*"|'[^']*'|(?<=\S)#)+|[|;&#>]/g)) {
    if (/^[|;&#>]$/.test(token)) {
      break;
    }
    words.push(token.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ""));
  }
  return words;
}

/** Lines, from 0, that end a command before its end: a comment or nothing after a backslash. */
export function brokenContinuations(block: string): number[] {
  const lines = block.split("\n");
  return lines.flatMap((line, index) => (/^\s*(?:#|$)/.test(line) && lines[index - 1]?.endsWith("\\") ? [index] : []));
}

/**
 * The commands of a shell block: lines that end in a backslash continue; variable assignments are
 * left out.
 */
export function shellCommands(block: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let pending = "";
  let first = 0;
  for (const [index, line] of block.split("\n").entries()) {
    if (pending === "") {
      first = index;
    }
    if (/^\s*#/.test(line)) {
      continue;
    }
    if (line.endsWith("\\")) {
      pending += `${line.slice(0, -1)} `;
      continue;
    }
    const words = wordsOf(pending + line);
    pending = "";
    const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
    if (start >= 0) {
      commands.push({ words: words.slice(start), line: first });
    }
  }
  return commands;
}
