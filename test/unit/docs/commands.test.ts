import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { createProgram } from "../../../tools/cli/program.ts";

const root = join(import.meta.dirname, "../../..");

/** A command as a document has it. */
interface DocumentedCommand {
  readonly where: string;
  readonly words: readonly string[];
}

/** Splits a line into words as a shell does, up to the end of the command, without quotes. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [token, double, single] of line.matchAll(/"([^"]*)"|'([^']*)'|[|;&#>]|[^\s"'|;&#>]+/g)) {
    if (/^[|;&#>]$/.test(token)) {
      break;
    }
    words.push(double ?? single ?? token);
  }
  return words;
}

/** Every command of a document: `npx oms …` in code blocks, with or without npx in inline code. */
function commandsIn(file: string): DocumentedCommand[] {
  // Generated blocks come from the program itself.
  const text = readFileSync(join(root, file), "utf8").replace(
    /<!-- generated: [\s\S]*?<!-- \/generated -->/g,
    (block) => "\n".repeat(block.split("\n").length - 1),
  );
  const found: DocumentedCommand[] = [];
  let fenced = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trimStart().startsWith("```")) {
      fenced = !fenced;
      continue;
    }
    const parts = fenced ? [line] : [...line.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
    for (const part of parts) {
      const [, command] = (fenced ? /(?:^|[\s(])npx oms\s+(.+)$/ : /^(?:npx )?oms\s+(.+)$/).exec(part) ?? [];
      // `<command>` is a placeholder.
      if (command !== undefined && !command.startsWith("<")) {
        found.push({ where: `${file}:${index + 1}`, words: wordsOf(command) });
      }
    }
  }
  return found;
}

/** Values for placeholders, and for files that exist elsewhere only. */
const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/^ORDER…?$/, "171203044"],
  [/^ACTION$/, "e-invoice"],
  [/^(TIME|A-B|N|WHY|TEXT|WHO)$/, "1"],
  [/\.(pem|crt|key)$/, import.meta.filename],
];

/** The program with silent commands that are parsed and not executed. */
function parseOnly(program: Command): Command {
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) {
      command.action(() => {});
    }
  }
  return program;
}

/** The error of the command line's parser; "" for a valid command. */
async function parseError(words: readonly string[]): Promise<string> {
  const args = words.map((word) => EXAMPLES.find(([pattern]) => pattern.test(word))?.[1] ?? word);
  try {
    await parseOnly(createProgram()).parseAsync(args, { from: "user" });
    return "";
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.code === "commander.helpDisplayed" ? "" : error.message;
    }
    throw error;
  }
}

const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const written = documents.flatMap(commandsIn);

test("the documents name commands, the runbook most of them", () => {
  expect(written.filter(({ where }) => where.startsWith("docs/runbook.md")).length).toBeGreaterThan(20);
  expect(written.filter(({ where }) => where.startsWith("README.md")).length).toBeGreaterThan(2);
});

test.each(written.map(({ where, words }) => [where, words.join(" "), words] as const))(
  "%s: oms %s is a command",
  async (_where, _text, words) => {
    expect(await parseError(words)).toBe("");
  },
);

test.each([
  [["acions"], "unknown command 'acions'"],
  [["actions", "--al"], "unknown option '--al'"],
  [["parked"], "missing required argument 'action'"],
  [["discard", "e-invoice", "--id", "1-1"], "required option '--reason <why>' not specified"],
  [["flows", "--state", "lost"], "argument 'lost' is invalid"],
])("oms %j is refused", async (words, expected) => {
  expect(await parseError(words)).toContain(expected);
});
